package transcode

import "strings"

// demuxers are the containers that are opened: those that people's videos and recordings have. What
// opens other files or addresses (hls, dash, concat, image2, sdp, playlists of any kind), what synthesises and
// what reads devices is not among them. ffmpeg compares each name with each alias of a demuxer.
var demuxers = strings.Join([]string{
	"mov", "matroska", "avi", "flv", "live_flv", "asf", "asf_o", "mpeg", "mpegts", "mpegvideo", "ogg", "nut", "mxf",
	"gxf", "rm", "wtv", "dv", "vob", "ivf", "nsv", "swf", "film_cpk", "smk", "bink", "roq", "ea", "4xm", "vmd",
	"dhav", "xmv", "lmlm4", "mtv", "pmp", "amv", "mv", "nuv", "dxa", "ogv", "av1", "h261", "h263", "h264", "hevc",
	"m4v", "mjpeg", "vc1", "mp3", "aac", "loas", "ac3", "eac3", "dts", "dtshd", "truehd", "mlp", "flac", "wav",
	"w64", "aiff", "au", "caf", "amr", "amrnb", "amrwb", "ape", "wv", "tta", "tak", "mpc", "mpc8", "shn", "dsf", "iff",
	"voc", "gsm", "qcp", "oma", "aea", "aa", "aax", "ircam", "sbc", "g722", "g726", "g726le", "ilbc", "spdif", "ast", "act",
	"xwma", "hca", "adp", "kux",
}, ",")

// decoders are the sound codecs that are decoded. Pictures and subtitles never are.
var decoders = strings.Join([]string{
	"aac", "aac_latm", "mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float", "mp3adu", "mp3adufloat", "mp3on4", "mp3on4float",
	"ac3", "eac3", "dca", "truehd", "mlp", "opus", "libopus", "vorbis", "libvorbis", "flac", "alac", "als",
	"libspeex", "speex", "ape", "wavpack", "tta", "tak", "mpc7", "mpc8", "shorten", "ralf",
	"wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice", "xma1", "xma2", "cook", "sipr", "real_144", "real_288",
	"atrac1", "atrac3", "atrac3al", "atrac3plus", "atrac3plusal", "atrac9", "amrnb", "amrwb", "libopencore_amrnb",
	"libopencore_amrwb", "qcelp", "evrc", "gsm", "gsm_ms", "libgsm", "libgsm_ms", "g722", "g723_1", "g726", "g726le", "g729",
	"ilbc", "sbc", "aptx", "aptx_hd", "nellymoser", "qdm2", "qdmc", "mace3", "mace6", "imc", "iac", "truespeech",
	"metasound", "twinvq", "dvaudio", "dolby_e", "s302m", "hca", "dst", "dsd_lsbf", "dsd_lsbf_planar", "dsd_msbf",
	"dsd_msbf_planar", "smackaud", "binkaudio_dct", "binkaudio_rdft", "roq_dpcm", "interplay_dpcm", "xan_dpcm",
	"8svx_exp", "8svx_fib", "comfortnoise", "ac4",
	"adpcm_4xm", "adpcm_adx", "adpcm_ct", "adpcm_ea", "adpcm_ima_amv", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ima_smjpeg",
	"adpcm_ima_oki", "adpcm_ima_apc", "adpcm_ima_ws", "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "adpcm_xa", "adpcm_sbpro_2",
	"adpcm_sbpro_3", "adpcm_sbpro_4", "adpcm_g722", "adpcm_g726", "adpcm_g726le",
	"pcm_alaw", "pcm_bluray", "pcm_dvd", "pcm_f16le", "pcm_f24le", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le",
	"pcm_lxf", "pcm_mulaw", "pcm_s16be", "pcm_s16be_planar", "pcm_s16le", "pcm_s16le_planar", "pcm_s24be", "pcm_s24daud",
	"pcm_s24le", "pcm_s24le_planar", "pcm_s32be", "pcm_s32le", "pcm_s32le_planar", "pcm_s64be", "pcm_s64le", "pcm_s8",
	"pcm_s8_planar", "pcm_u16be", "pcm_u16le", "pcm_u24be", "pcm_u24le", "pcm_u32be", "pcm_u32le", "pcm_u8", "pcm_vidc",
}, ",")

// encryptedTags are the codec tags of sound that only the seller's own player decrypts.
var encryptedTags = []string{"drms", "enca", "encv", "aavd"}

// inputOptions harden the opening of a hostile file; ffmpeg and ffprobe share them.
func inputOptions() []string {
	return []string{
		"-max_alloc", "134217728", // bytes at once: a picture bomb gets no further
		"-protocol_whitelist", "file",
		"-format_whitelist", demuxers,
		"-max_streams", "64",
		"-probesize", "33554432", // bytes, and …
		"-analyzeduration", "30000000", // … microseconds in which every stream must show itself
	}
}
