// Command spin computes for ever.
package main

func main() {
	for n := 0; ; n++ {
		_ = n
	}
}
