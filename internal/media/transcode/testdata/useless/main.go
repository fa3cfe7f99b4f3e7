// Command useless is a build of ffmpeg that says what ffmpeg 5 and 7 say of an encoder that they don't have.
package main

import (
	"fmt"
	"os"
	"slices"
)

func main() {
	if slices.Contains(os.Args, "-version") {
		fmt.Println("ffmpeg version 1")
		return
	}
	fmt.Fprintln(os.Stderr, "[fatal] Unknown encoder 'libmp3lame'")
	os.Exit(1)
}
