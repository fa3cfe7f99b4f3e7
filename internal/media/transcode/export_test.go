package transcode

import "os"

// DecodeByFFmpeg has the encoder decode nothing itself.
func (t *Transcoder) DecodeByFFmpeg() {
	t.all.undecoding.Store(true)
}

// EncodeBy has another program encode on several cores.
func (t *Transcoder) EncodeBy(image *os.File) {
	t.all.load = func() (*os.File, error) { return image, nil }
}
