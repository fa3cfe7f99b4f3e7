// Command unreel-box starts a program in a box, as unreel itself can. It is no command for people: unreel carries it
// along because the runtime of a small program is ready much sooner than that of a large one.
package main

import _ "github.com/unreel/unreel/internal/media/sandbox/launcher" // takes over before main

func main() {}
