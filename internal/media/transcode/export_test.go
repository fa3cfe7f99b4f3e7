package transcode

import "os"

// EncodeBy has another program encode on several cores.
func (t *Transcoder) EncodeBy(image *os.File) {
	t.all.load = func() (*os.File, error) { return image, nil }
}
