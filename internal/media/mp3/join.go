package mp3

import "fmt"

// Join makes one stream of two: head up to its end, then tail[at:]. tail[at] must be the frame that follows
// head in time, made by an encoder that has heard enough of the sound before it.
//
// The main data of tail[at] may begin in the slots before it. These bytes are put behind head's own main data,
// into the ends of head's slots. Where there is too little room, the last of head's frames gets the next
// bitrate that has enough: allowed to streams of variable bitrate. The last few of head's frames are changed.
func Join(head, tail Units, at int) error {
	if len(head) == 0 || at >= len(tail) {
		return fmt.Errorf("%w: nothing to join", ErrCorrupt)
	}
	next := tail[at]
	early := tail.before(at, next.Begin)
	last := &head[len(head)-1]
	if missing := next.Begin - last.Free; missing > 0 {
		if err := last.grow(missing); err != nil {
			return err
		}
	}
	for i := len(head) - 1; len(early) > 0; i-- {
		if i < 0 {
			return fmt.Errorf("%w: a reservoir larger than the stream before it", ErrCorrupt)
		}
		slot := head[i].Data[head[i].slot():]
		n := min(len(slot), len(early))
		copy(slot[len(slot)-n:], early[len(early)-n:])
		early = early[:len(early)-n]
	}
	return nil
}

// grow lengthens the frame's slot by at least n bytes, by the smallest bitrate that does.
func (u *Unit) grow(n int) error {
	bigger := u.Header
	for bigger.Size() < u.Size()+n {
		if bigger.BitrateIndex == len(bitrates[0])-1 {
			return fmt.Errorf("%w: no bitrate has room for %d more bytes", ErrCorrupt, n)
		}
		bigger.BitrateIndex++
	}
	if bigger.Protected {
		return fmt.Errorf("%w: the bitrate is part of the frame's CRC", ErrCorrupt)
	}
	data := make([]byte, bigger.Size())
	copy(data, u.Data)
	head := bigger.Bytes()
	copy(data, head[:])
	u.Free += len(data) - len(u.Data)
	u.Header, u.Data = bigger, data
	return nil
}
