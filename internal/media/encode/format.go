package encode

import "fmt"

// Format is what an MP3 is to be. Of Bitrate, ABR and VBR one counts, in this order.
type Format struct {
	Rate     int     // Hz, one that Layer III has
	Channels int     // 1 or 2
	Bitrate  int     // kbit/s, constant; 0: another kind
	ABR      int     // kbit/s, on average; 0: another kind
	VBR      float64 // LAME's quality, 0 best to 9.999
}

// constant tells whether all frames have one bitrate, so that two encoders' frames can be the very same.
func (f Format) constant() bool {
	return f.Bitrate > 0
}

// FrameSize is how many samples of each channel one frame holds.
func (f Format) FrameSize() int {
	const lowestOfMPEG1 = 32000
	if f.Rate < lowestOfMPEG1 {
		return 576
	}
	return 1152
}

// period is after how many frames padding repeats: at 44.1 kHz a frame of constant bitrate is no whole number of
// bytes, and every few frames one is a byte longer. Encoders that begin at multiples of it pad the same frames.
func (f Format) period() int {
	if !f.constant() {
		return 1
	}
	rest := f.FrameSize() * 1000 / 8 * f.Bitrate % f.Rate
	return f.Rate / gcd(f.Rate, rest)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Validate returns an error for what no encoder can make.
func (f Format) Validate() error {
	switch {
	case f.Channels != 1 && f.Channels != 2:
		return fmt.Errorf("encode: %d channels", f.Channels)
	case f.Rate < 8000 || f.Rate > 48000:
		return fmt.Errorf("encode: %d Hz", f.Rate)
	case f.Bitrate < 0 || f.Bitrate > 320 || f.ABR < 0 || f.ABR > 320 || f.VBR < 0 || f.VBR >= 10:
		return fmt.Errorf("encode: bitrate %d, ABR %d, VBR %g", f.Bitrate, f.ABR, f.VBR)
	}
	return nil
}
