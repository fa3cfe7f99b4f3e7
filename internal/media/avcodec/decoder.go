package avcodec

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/unreel/unreel/internal/media/dl"
)

// ErrDecode says that frames are not what they should be.
var ErrDecode = errors.New("this cannot be decoded here")

// Decoder decodes one track of sound. It may be used by one goroutine at a time.
type Decoder struct {
	library *Library
	context uintptr
	packet  *packet
	frame   *frame
	data    *byte       // a frame as it is in the file, and padding
	planes  [][]float32 // the samples of each channel
	samples int         // that a frame is to have
}

// maxFrame is more than the largest frame, in bytes: AAC's have 768 a channel at the most. Decoders read a little behind.
const maxFrame, padding = 64 << 10, 64

// NewAAC makes a decoder of AAC-LC, of which each frame has 1024 samples, from an AudioSpecificConfig (ISO 14496-3, 1.6.2.1).
func (l *Library) NewAAC(config []byte, channels int) (*Decoder, error) {
	const aac = 0x15002 // AV_CODEC_ID_AAC
	d := &Decoder{library: l, samples: 1024}
	if channels < 1 || channels > len(frame{}.planes) || len(config) == 0 || len(config) > maxFrame {
		return nil, fmt.Errorf("%w: %d channels, %d bytes of configuration", ErrDecode, channels, len(config))
	}
	d.planes = make([][]float32, channels)
	if err := d.open("aac", aac, config); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Decoder) open(name string, id int32, config []byte) error {
	l := d.library
	codec := l.findDecoder(name)
	if codec == 0 {
		return fmt.Errorf("%w: it has no decoder of %s", ErrMissing, name)
	}
	d.context, d.packet, d.frame = l.newContext(codec), l.newPacket(), l.newFrame()
	d.data = l.allocate(maxFrame + padding)
	if d.context == 0 || d.packet == nil || d.frame == nil || d.data == nil {
		return fmt.Errorf("%w: it has no memory", ErrMissing)
	}
	if err := d.configure(id, config); err != nil {
		return err
	}
	if code := l.openContext(d.context, codec, 0); code < 0 {
		return fmt.Errorf("%w: avcodec_open2 ends with %d", ErrDecode, code)
	}
	return nil
}

func (d *Decoder) configure(id int32, config []byte) error {
	const audio = 1 // AVMEDIA_TYPE_AUDIO
	l := d.library
	p := l.newParameters()
	if p == nil {
		return fmt.Errorf("%w: it has no memory", ErrMissing)
	}
	defer l.freeParameters(&p)
	p.kind, p.codec = audio, id
	if p.extradata = l.allocate(uintptr(len(config) + padding)); p.extradata == nil {
		return fmt.Errorf("%w: it has no memory", ErrMissing)
	}
	p.extradataSize = int32(copy(unsafe.Slice(p.extradata, len(config)), config))
	if code := l.parametersContext(d.context, p); code < 0 {
		return fmt.Errorf("%w: avcodec_parameters_to_context ends with %d", ErrDecode, code)
	}
	return nil
}

// Decode returns the samples of a frame by channels, full scale ±1, good until the next call. Whatever is not one whole
// frame of what the decoder was made for is an error that wraps ErrDecode.
func (d *Decoder) Decode(raw []byte) ([][]float32, error) {
	if len(raw) == 0 || len(raw) > maxFrame {
		return nil, fmt.Errorf("%w: a frame of %d bytes", ErrDecode, len(raw))
	}
	memory := unsafe.Slice(d.data, maxFrame+padding)
	copy(memory, raw)
	clear(memory[len(raw) : len(raw)+padding])
	d.packet.data, d.packet.size = d.data, int32(len(raw))
	if code := dl.Call(d.library.send, d.context, uintptr(unsafe.Pointer(d.packet))); code != 0 {
		return nil, fmt.Errorf("%w: avcodec_send_packet ends with %d", ErrDecode, code)
	}
	if code := dl.Call(d.library.receive, d.context, uintptr(unsafe.Pointer(d.frame))); code != 0 {
		return nil, fmt.Errorf("%w: avcodec_receive_frame ends with %d", ErrDecode, code)
	}
	return d.planes, d.check()
}

// check looks at what came out: a decoder believes a frame more than the configuration.
func (d *Decoder) check() error {
	const planarFloats = 8 // AV_SAMPLE_FMT_FLTP
	f := d.frame
	channels := 0
	for channels < len(f.planes) && f.planes[channels] != nil {
		channels++
	}
	if f.format != planarFloats || int(f.samples) != d.samples || channels != len(d.planes) {
		return fmt.Errorf("%w: a frame of %d samples of %d channels in format %d", ErrDecode, f.samples, channels, f.format)
	}
	for i := range d.planes {
		d.planes[i] = unsafe.Slice(f.planes[i], d.samples)
	}
	return nil
}

// Close gives the memory back.
func (d *Decoder) Close() {
	l := d.library
	l.freeContext(&d.context)
	l.freePacket(&d.packet)
	l.freeFrame(&d.frame)
	l.release(d.data)
}
