package lame

const name = "libmp3lame.so.0"
