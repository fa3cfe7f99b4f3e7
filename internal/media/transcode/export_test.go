package transcode

import "os"

// EncodeBy has another program encode on several cores.
func (t *Transcoder) EncodeBy(image *os.File) {
	t.all.once.Do(func() {})
	t.all.image.Store(image)
}
