package disk

import "sync"

// fences keeps writers that have lost their claim from replacing what their successors have committed. It remembers
// only ids that somebody writes: whoever begins to write after all the others have ended has just made sure of the
// claim, and no claim outlives the process, which has the folder to itself.
type fences struct {
	mutex   sync.Mutex
	writing map[string]*fence // by the blob's name
}

// fence is what the writers of one id have in common.
type fence struct {
	mutex   sync.Mutex // held while a blob takes its place
	writers int
	highest int64 // of what has been committed since the first of these writers came
	// appender is the newest that adds to the blob in pieces; the others may do nothing any more.
	appender *appender
}

// enter counts one more writer of a name.
func (f *fences) enter(name string) *fence {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.writing == nil {
		f.writing = map[string]*fence{}
	}
	if f.writing[name] == nil {
		f.writing[name] = &fence{}
	}
	f.writing[name].writers++
	return f.writing[name]
}

// leave forgets a name when its last writer has gone.
func (f *fences) leave(name string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.writing[name].writers--; f.writing[name].writers == 0 {
		delete(f.writing, name)
	}
}
