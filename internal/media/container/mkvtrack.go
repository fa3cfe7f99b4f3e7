package container

import "encoding/binary"

// The elements of a track.
const (
	idTrackEntry, idTrackNumber, idTrackUID, idTrackType = 0xAE, 0xD7, 0x73C5, 0x83
	idFlagDefault, idCodecID, idCodecPrivate             = 0x88, 0x86, 0x63A2
	idCodecDelay                                         = 0x56AA
	idAudio, idSamplingFrequency, idChannels, idBitDepth = 0xE1, 0xB5, 0x9F, 0x6264
)

// What of a track is passed over, as ffmpeg does or to no effect on its sound: its name, language, flags, sizes of buffers and
// durations of frames, and all that concerns pictures. Whatever is not here is not understood.
var mkvPassed = []uint32{
	idVoid, idCRC, 0x536E, 0x22B59C, 0x22B59D, 0x258688, 0xB9, 0x55AA, 0x55AB, 0x55AC, 0x55AD, 0x55AE, 0x55AF, 0x9C,
	0x6DE7, 0x6DF8, 0x55EE, 0xAA, 0x23E383, 0x56BB, 0xE0,
}

// mkvTrack is a track of a Matroska file while it is read.
type mkvTrack struct {
	*matroska
	stream  Stream
	id      uint64 // by which its pieces name it
	uid     uint64 // by which tags do
	kind    uint64
	codec   string
	private []byte
	delay   uint64 // nanoseconds
	started bool
	first   int64 // its first piece's time in ticks
}

// The kinds of tracks.
const mkvPicture, mkvSound, mkvSubtitle = 1, 2, 17

func (m *matroska) readTrack(entry element) error {
	if entry.id != idTrackEntry {
		return entry.among(filling)
	}
	if len(m.tracks) == maxStreams {
		return errUnsure
	}
	t := &mkvTrack{matroska: m}
	t.stream.Default = true
	m.tracks = append(m.tracks, t)
	if err := m.elements(entry.from, entry.to, t.readField); err != nil {
		return err
	}
	switch t.kind {
	case mkvPicture:
		t.stream.Kind = Picture
	case mkvSound:
		t.stream.Kind = Sound
		return t.readCodec()
	case mkvSubtitle:
	default:
		return errUnsure // ffmpeg doesn't count them
	}
	if t.codec == "" {
		return errUnsure
	}
	return nil
}

func (t *mkvTrack) readField(e element) (err error) {
	switch e.id {
	case idTrackNumber:
		t.id, err = t.number(e)
	case idTrackUID:
		t.uid, err = t.number(e)
	case idTrackType:
		t.kind, err = t.number(e)
	case idFlagDefault:
		t.stream.Default, err = t.flag(e)
	case idCodecID:
		t.codec, err = t.text(e)
	case idCodecPrivate:
		if e.length() <= 64<<10 {
			t.private, err = t.contentOf(e)
		}
	case idCodecDelay:
		t.delay, err = t.number(e)
	case idAudio:
		return t.elements(e.from, e.to, t.readAudio)
	default: // compressed or encrypted, or of a clock of its own
		return e.among(mkvPassed)
	}
	return err
}

// readAudio sees that what is said of the sound is in order; what counts is what the codec says.
func (t *mkvTrack) readAudio(e element) (err error) {
	switch e.id {
	case idSamplingFrequency:
		_, err = t.float(e)
	case idChannels, idBitDepth:
		_, err = t.number(e)
	default: // another rate of the output, above all
		return e.among(filling)
	}
	return err
}

// readCodec reads what the decoder is told beforehand.
func (t *mkvTrack) readCodec() error {
	s := &t.stream
	switch t.codec {
	case "A_AAC":
		return s.readAACConfig(t.private)
	case "A_OPUS":
		return s.readOpusHead(t.private)
	case "A_VORBIS":
		return s.readVorbisHead(t.private)
	case "A_FLAC":
		const mark, block = "fLaC", 4
		if len(t.private) < len(mark)+block+34 || string(t.private[:4]) != mark || t.private[4]&0x7F != 0 {
			return errUnsure
		}
		return s.readStreamInfo(t.private[len(mark)+block:])
	default:
		return errUnsure
	}
}

// readOpusHead reads the identification header of Opus (RFC 7845, section 5.1). Opus is decoded at 48 kHz.
func (s *Stream) readOpusHead(head []byte) error {
	if len(head) != 19 || string(head[:8]) != "OpusHead" || head[8] != 1 || head[18] != 0 { // family 0: mono, stereo
		return errUnsure
	}
	s.Codec, s.Rate, s.Channels = "opus", 48000, int(head[9])
	return s.monoOrStereo()
}

// readVorbisHead reads the first of the three headers of Vorbis (Vorbis I specification, 4.2.2), which are laced.
func (s *Stream) readVorbisHead(private []byte) error {
	const headers, identification = 2, 30 // one less than there are; bytes of the first
	if len(private) < 3 || private[0] != headers || private[1] != identification {
		return errUnsure
	}
	at := 2
	for at < len(private) && private[at] == 255 {
		at++
	}
	head := private[min(at+1, len(private)):]
	if len(head) < identification || string(head[:7]) != "\x01vorbis" || binary.LittleEndian.Uint32(head[7:]) != 0 {
		return errUnsure
	}
	s.Codec, s.Channels, s.Rate = "vorbis", int(head[11]), int(binary.LittleEndian.Uint32(head[12:]))
	if s.Rate < 8000 || s.Rate > 192000 {
		return errUnsure
	}
	return s.monoOrStereo()
}
