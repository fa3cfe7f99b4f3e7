package transcode

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/unreel/unreel/internal/media/mediatest"
)

var transcoder = sync.OnceValues(func() (*Transcoder, error) { return New(Config{}) })

// compare tells whether the quick reader knew the file, and fails where it says other things than ffprobe.
// Where ffprobe refuses a damaged file, so will ffmpeg.
func compare(t *testing.T, content []byte, damaged bool) bool {
	t.Helper()
	path := mediatest.File(t, "video", content)
	got, known := readPlain(bytes.NewReader(content), int64(len(content)))
	if !known {
		return false
	}
	prober, err := transcoder()
	if err != nil {
		t.Fatal(err)
	}
	want, err := prober.probeForeign(t.Context(), path, io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content))))
	if err != nil {
		if !damaged {
			t.Errorf("ffprobe refuses what was understood: %v", err)
		}
		return true
	}
	got.Path, got.Size = path, int64(len(content))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Source{}, Track{}), cmpopts.IgnoreFields(Source{}, "plain"), cmpopts.IgnoreFields(Track{}, "dense", "frames"), sameDuration(damaged)); diff != "" {
		t.Errorf("-ffprobe +quick:\n%s", diff)
	}
	return true
}

// sameDuration is for whole files: the header of an MP4 counts milliseconds. FFmpeg 5 believes it, damaged or not, and FFmpeg 7
// asks the tracks. Those have the same durations to the last digit.
func sameDuration(damaged bool) cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Duration" }, cmp.Comparer(func(a, b time.Duration) bool {
		return damaged || (a-b).Abs() < time.Millisecond
	}))
}

// TestPlainFilesNeedNoFFprobe compares both ways of reading. Those that are known must stay known: that
// is what saves a start of ffprobe.
func TestPlainFilesNeedNoFFprobe(t *testing.T) {
	type spec = mediatest.Spec
	tests := map[string]struct {
		spec  spec
		known bool
	}{
		"mp4":              {spec{}, true},
		"mp4 faststart":    {spec{Extra: "-movflags +faststart"}, true},
		"mp4 late":         {spec{Late: 0.7}, true},
		"mp4 h264":         {spec{Extra: "-c:v libx264 -preset ultrafast -bf 2"}, true},
		"mp4 tracks":       {spec{Tracks: 3, Extra: "-metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -disposition:a:1 default"}, true},
		"mp4 track titles": {spec{Tracks: 2, Extra: "-metadata:s:a:0 title=Comment"}, true},
		"mp4 tags":         {spec{Extra: "-metadata title=Ä-Own -metadata artist=Somebody -metadata date=1999 -metadata album=LP -metadata comment=x"}, true},
		"mp4 album artist": {spec{Extra: "-metadata album_artist=Somebody"}, false},
		"mp4 alac":         {spec{Codec: "alac"}, true},
		"mp4 flac":         {spec{Codec: "flac", Rate: 44100, Channels: 1}, true},
		"mp4 opus":         {spec{Codec: "libopus"}, true},
		"mp4 opus 5.1":     {spec{Codec: "libopus", Channels: 6}, false},
		"mp4 mp3":          {spec{Codec: "libmp3lame"}, false},
		"mp4 ac3":          {spec{Codec: "ac3", Channels: 6}, false},
		"mp4 fragmented":   {spec{Extra: "-movflags +frag_keyframe+empty_moov"}, false},
		"mp4 5.1":          {spec{Channels: 6}, true},
		"mp4 7.1":          {spec{Channels: 8}, false},
		"mp4 no edits":     {spec{Extra: "-use_editlist 0"}, true},
		"mp4 no sound":     {spec{NoSound: true}, true},
		"mp4 any tags":     {spec{Extra: "-movflags use_metadata_tags -metadata title=Own"}, false},
		"mov":              {spec{Container: "mov"}, true},
		"mov h264 late":    {spec{Container: "mov", Late: 0.3, Extra: "-c:v libx264 -preset ultrafast"}, true},
		"mov pcm":          {spec{Container: "mov", Codec: "pcm_s16le"}, false},
		"mov alac":         {spec{Container: "mov", Codec: "alac"}, false},
		"mov any tags":     {spec{Container: "mov", Extra: "-movflags use_metadata_tags -metadata where=here"}, false},
		"mov title":        {spec{Container: "mov", Extra: "-metadata title=Own"}, false},
		"m4a":              {spec{Container: "m4a"}, true},
		"m4a mono":         {spec{Container: "m4a", Channels: 1, Rate: 44100}, true},
		"m4a alac":         {spec{Container: "m4a", Codec: "alac", Rate: 96000}, true},
		"3gp":              {spec{Container: "3gp", Rate: 16000, Channels: 1}, true},
		"mp4 8 kHz":        {spec{Rate: 8000, Channels: 1}, true},
		"mp4 22.05 kHz":    {spec{Rate: 22050}, true},
		"mp4 96 kHz":       {spec{Rate: 96000}, true},
		"mkv":              {spec{Container: "mkv"}, true},
		"mkv late":         {spec{Container: "mkv", Late: 0.7}, true},
		"mkv h264":         {spec{Container: "mkv", Extra: "-c:v libx264 -preset ultrafast -bf 2"}, true},
		"mkv tracks":       {spec{Container: "mkv", Tracks: 3, Extra: "-metadata:s:a:0 language=eng -metadata:s:a:1 title=Comment -disposition:a:1 default"}, true},
		"mkv tags":         {spec{Container: "mkv", Extra: "-metadata title=Ä-Own -metadata artist=Somebody -metadata date=1999 -metadata album=LP -metadata comment=x"}, true},
		"mkv album artist": {spec{Container: "mkv", Extra: "-metadata album_artist=Somebody"}, false},
		"mkv flac":         {spec{Container: "mkv", Codec: "flac", Rate: 44100}, true},
		"mkv vorbis":       {spec{Container: "mkv", Codec: "libvorbis", Rate: 44100, Channels: 1}, true},
		"mkv 5.1":          {spec{Container: "mkv", Channels: 6}, true},
		"mkv 8 kHz":        {spec{Container: "mkv", Rate: 8000, Channels: 1}, true},
		"mkv mp3":          {spec{Container: "mkv", Codec: "libmp3lame"}, false},
		"mkv ac3":          {spec{Container: "mkv", Codec: "ac3"}, false},
		"mkv pcm":          {spec{Container: "mkv", Codec: "pcm_s16le"}, false},
		"mkv no sound":     {spec{Container: "mkv", NoSound: true}, true},
		"mkv no picture":   {spec{Container: "mkv", NoPicture: true}, true},
		"mkv live":         {spec{Container: "mkv", Extra: "-live 1"}, false},
		"mkv cues first":   {spec{Container: "mkv", Seconds: 12, Extra: "-reserve_index_space 50000 -cluster_time_limit 1000"}, true},
		"webm":             {spec{Container: "webm"}, true},
		"webm late":        {spec{Container: "webm", Late: 0.7, Channels: 1}, true},
		"webm vorbis":      {spec{Container: "webm", Codec: "libvorbis"}, true},
		"webm opus 5.1":    {spec{Container: "webm", Channels: 6}, false},
		"avi":              {spec{Container: "avi"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if known := compare(t, mediatest.Bytes(t, test.spec), false); known != test.known {
				t.Errorf("known: %t, want %t", known, test.known)
			}
		})
	}
}

// TestBoxesOfMakers puts in what phones and cameras keep in their videos for themselves.
func TestBoxesOfMakers(t *testing.T) {
	plain := mediatest.Bytes(t, mediatest.Spec{Extra: "-metadata title=Own"}) // ends with the user data in its index
	text := "\x00\x05\x55\xC4other"
	for name, test := range map[string]struct {
		content []byte
		known   bool
	}{
		"Samsung's data":  {within(plain, []string{"moov", "udta"}, box("smta", text), box("SDLN", text), box("smrd", text)), true},
		"Samsung's end":   {within(plain, nil, box("sefd", text)), true},
		"GoPro":           {within(plain, []string{"moov", "udta"}, box("FIRM", text), box("LENS", text), box("GPMF", text), box("AMBA", text)), true},
		"WhatsApp":        {within(plain, nil, box("beam", text)), true},
		"Android":         {within(plain, []string{"moov"}, keys("com.android.version", "14")), true},
		"Android's place": {within(plain, []string{"moov", "udta"}, box("\xA9xyz", "\x00\x0A\x15\xC7+48.1+11.5/")), true},
		"a title":         {within(plain, []string{"moov"}, keys("title", "Other")), false},
		"another title":   {within(plain, []string{"moov", "udta"}, box("\xA9nam", text)), false},
		"unknown data":    {within(plain, []string{"moov", "udta"}, box("????", text)), false},
		"an unknown end":  {within(plain, nil, box("????", text)), false},
	} {
		if known := compare(t, test.content, false); known != test.known {
			t.Errorf("%s: known: %t, want %t", name, known, test.known)
		}
	}
}

// box is a box of an MP4.
func box(kind, content string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(8+len(content))), kind+content...)
}

// within puts boxes at the end of an MP4, which is that of the boxes named, each in the one before it.
func within(content []byte, in []string, boxes ...[]byte) []byte {
	added := slices.Concat(boxes...)
	content = slices.Concat(content, added)
	for _, kind := range in {
		at := bytes.LastIndex(content, []byte(kind)) - 4
		binary.BigEndian.PutUint32(content[at:], binary.BigEndian.Uint32(content[at:])+uint32(len(added)))
	}
	return content
}

// keys is metadata of any name, as QuickTime has it, and Android in MP4s.
func keys(key, value string) []byte {
	handler := box("hdlr", "\x00\x00\x00\x00\x00\x00\x00\x00mdta"+strings.Repeat("\x00", 13))
	names := box("keys", "\x00\x00\x00\x00\x00\x00\x00\x01"+string(box("mdta", key)))
	values := box("ilst", string(box("\x00\x00\x00\x01", string(box("data", "\x00\x00\x00\x01\x00\x00\x00\x00"+value)))))
	return box("meta", string(slices.Concat(handler, names, values)))
}

// TestDamagedFilesAreReadAlike changes bytes of what a file says of itself. What is still understood must be
// what ffprobe understands.
func TestDamagedFilesAreReadAlike(t *testing.T) {
	asked, most := 0, 24
	for seed := uint64(0); asked < most && seed < 40*uint64(most); seed++ {
		random := rand.New(rand.NewPCG(seed, 1))
		spec := []mediatest.Spec{
			{Seconds: 0.5, Extra: "-metadata title=Own"},
			{Seconds: 0.5, Late: 0.2, Extra: "-c:v libx264 -preset ultrafast"},
			{Seconds: 0.5, Container: "m4a", Codec: "alac"},
			{Seconds: 0.5, Container: "mov", Tracks: 2},
			{Seconds: 0.5, Container: "mkv", Extra: "-metadata title=Own"},
			{Seconds: 0.5, Container: "webm", Tracks: 2},
		}[seed%6]
		content := slices.Clone(mediatest.Bytes(t, spec))
		begin, end := bytes.Index(content, []byte("moov"))+4, len(content)
		if begin < 4 { // Matroska's index is at the beginning
			begin, end = 4, bytes.Index(content, []byte("\x1F\x43\xB6\x75"))+40
		}
		for range 1 + random.IntN(2) {
			at := begin + random.IntN(end-begin)
			content[at] ^= 1 << random.IntN(8)
		}
		if bytes.Equal(content, mediatest.Bytes(t, spec)) {
			continue
		}
		if compare(t, content, true) {
			asked++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d damaged files were understood", asked)
}
