package lame

const name = "libmp3lame.0.dylib"
