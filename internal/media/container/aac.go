package container

import "slices"

// aacRates are the sample rates of ISO 14496-3, table 1.18, in Hz.
var aacRates = [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// aacFrame is how many samples of each channel a frame of AAC-LC has, of the length that readAACConfig admits.
const aacFrame = 1024

// aacLayouts are ffmpeg's names of the channel configurations of ISO 14496-3, table 1.19, that every version
// of it understands alike.
var aacLayouts = [...]string{1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1"}

// readAAC reads the elementary stream descriptor of AAC-LC, and looks at the first frame: the configuration
// may be mistaken about the channels, and only decoders know.
func (t *track) readAAC(b box) error {
	if _, err := t.full(b, 1); err != nil {
		return err
	}
	fields, err := t.content(b)
	if err != nil {
		return err
	}
	config, err := parseDescriptor(fields[4:])
	if err != nil {
		return err
	}
	if err := t.stream.readAACConfig(config); err != nil {
		return err
	}
	if t.ticks < 8000 { // a clock too coarse for frames
		return errUnsure
	}
	frame, err := t.read(t.tables.at, min(t.tables.size, 512))
	if err != nil {
		return err
	}
	t.config = config
	return t.stream.checkAACFrame(frame)
}

// parseDescriptor returns the AudioSpecificConfig in an ES_Descriptor (ISO 14496-1, 7.2.6.5).
func parseDescriptor(raw []byte) ([]byte, error) {
	const stream, decoder, specific = 3, 4, 5
	es, ok := descriptor(raw, stream)
	if !ok || len(es) < 3 || es[2]&0xE0 != 0 { // no reference to another stream, or to an address
		return nil, errUnsure
	}
	dc, ok := descriptor(es[3:], decoder)
	const aac, audio = 0x40, 5
	if !ok || len(dc) < 13 || dc[0] != aac || dc[1]>>2 != audio {
		return nil, errUnsure
	}
	config, ok := descriptor(dc[13:], specific)
	if !ok {
		return nil, errUnsure
	}
	return config, nil
}

// descriptor returns the content of the descriptor with which raw begins.
func descriptor(raw []byte, tag byte) ([]byte, bool) {
	if len(raw) < 2 || raw[0] != tag {
		return nil, false
	}
	length := 0
	for i, b := range raw[1:min(len(raw), 5)] {
		length = length<<7 | int(b&0x7F)
		if b&0x80 == 0 {
			content := raw[i+2:]
			return content[:min(length, len(content))], length > 0 && length <= len(content)
		}
	}
	return nil, false
}

// readAACConfig reads an AudioSpecificConfig (ISO 14496-3, 1.6.2.1) of plain AAC-LC. At low rates it must say that
// there is no spectral band replication, which doubles the rate and may show only in the frames.
func (s *Stream) readAACConfig(config []byte) error {
	bits := bitReader{raw: config}
	object, rate, channels := bits.take(5), bits.take(4), bits.take(4)
	const lowComplexity = 2
	if object != lowComplexity || rate >= len(aacRates) || channels < 1 || channels >= len(aacLayouts) || bits.take(3) != 0 {
		return errUnsure
	}
	s.Codec, s.Rate, s.Channels, s.Layout = "aac", aacRates[rate], channels, aacLayouts[channels]
	const extension, replication = 0x2B7, 5
	switch {
	case bits.take(11) == extension:
		if bits.take(5) != replication || bits.take(1) != 0 {
			return errUnsure
		}
	case len(config) > 2 || s.Rate < 32000 || s.Rate > 48000:
		return errUnsure
	}
	return nil
}

// checkAACFrame sees that a raw_data_block (ISO 14496-3, 4.4.2.1) begins with the element that the number of
// channels lets expect: decoders trust it more than the configuration.
func (s *Stream) checkAACFrame(frame []byte) error {
	const single, pair, data, fill = 0, 1, 4, 6
	want := single // for 3 to 6 channels the centre comes first
	if s.Channels == 2 {
		want = pair
	}
	bits := bitReader{raw: frame}
	for !bits.over {
		switch element := bits.take(3); element {
		case want:
			return nil
		case fill:
			bits.skipFill()
		case data:
			bits.skipData()
		default:
			return errUnsure
		}
	}
	return errUnsure
}

// skipFill passes over a fill_element, unless it is more than filling.
func (b *bitReader) skipFill() {
	count := b.take(4)
	if count == 15 {
		count += b.take(8) - 1
	}
	if count == 0 {
		return
	}
	filling := []int{0, 1} // nothing, and a pattern; ffmpeg's encoder writes its name as nothing
	if !slices.Contains(filling, b.take(4)) {
		b.over = true
		return
	}
	b.at += 8*count - 4
}

// skipData passes over a data_stream_element.
func (b *bitReader) skipData() {
	b.take(4)
	aligned := b.take(1) == 1
	count := b.take(8)
	if count == 255 {
		count += b.take(8)
	}
	if aligned {
		b.at = (b.at + 7) / 8 * 8
	}
	b.at += 8 * count
}

// bitReader reads bits, the highest first. Behind the end there are zeros.
type bitReader struct {
	raw  []byte
	at   int  // in bits
	over bool // the end was passed
}

// take returns the next bits, at most 16.
func (b *bitReader) take(n int) int {
	value := 0
	for range n {
		value <<= 1
		if at := b.at / 8; at < len(b.raw) {
			value |= int(b.raw[at]>>(7-b.at%8)) & 1
		} else {
			b.over = true
		}
		b.at++
	}
	return value
}
