// Command hostile is what ffmpeg would be if a video had taken it over: it tries every way out that it is
// told and says what came of it. Outside a box each way works, which a test shows first.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"
)

// world is what there is to get at.
type world struct {
	secret  string // a file that may be read and written outside
	folder  string // where files may be made outside
	address string // somebody listens there by TCP, and by UDP on the same port
	unix    string // and here
	victim  int    // a process that may be signalled outside
	program string // that can be executed
}

func main() {
	w := world{
		secret: os.Args[1], folder: os.Args[2], address: os.Args[3], unix: os.Args[4], program: os.Args[6],
	}
	fmt.Sscan(os.Args[5], &w.victim)
	for _, way := range ways {
		if err := way.try(w); err != nil {
			fmt.Printf("%s: denied: %v\n", way.name, err)
		} else {
			fmt.Printf("%s: done\n", way.name)
		}
	}
}

func raw(number uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, failed := syscall.RawSyscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); failed != 0 {
		return failed
	}
	return nil
}

func socket(family, kind, protocol int) error {
	fd, err := syscall.Socket(family, kind, protocol)
	if err == nil {
		syscall.Close(fd)
	}
	return err
}

func open(path string, flags int) error {
	fd, err := syscall.Open(path, flags, 0o600)
	if err == nil {
		syscall.Close(fd)
	}
	return err
}

func dial(network, address string) error {
	connection, err := net.DialTimeout(network, address, 5*time.Second)
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = connection.Write([]byte("hit"))
	return err
}

func text(s string) uintptr {
	p, _ := syscall.BytePtrFromString(s)
	return uintptr(unsafe.Pointer(p))
}

var ways = []struct {
	name string
	try  func(world) error
}{
	{"read a file", func(w world) error { return open(w.secret, syscall.O_RDONLY) }},
	{"read a file by openat2", func(w world) error { return openat2(w.secret) }},
	{"read /etc/passwd", func(world) error { return open("/etc/passwd", syscall.O_RDONLY) }},
	{"read a file by a relative path", func(world) error { return open("../../../../../../../../etc/passwd", syscall.O_RDONLY) }},
	{"read the environment of the parent", func(world) error { return open(fmt.Sprintf("/proc/%d/environ", os.Getppid()), syscall.O_RDONLY) }},
	{"read the memory of the parent", func(world) error { return open(fmt.Sprintf("/proc/%d/mem", os.Getppid()), syscall.O_RDONLY) }},
	{"read its own memory map", func(world) error { return open("/proc/self/maps", syscall.O_RDONLY) }},
	{"read the kernel's mounts", func(world) error { return open("/proc/self/mountinfo", syscall.O_RDONLY) }},
	{"read a device", func(world) error { return open("/dev/zero", syscall.O_RDONLY) }},
	{"read a link", func(world) error { _, err := os.Readlink("/proc/self/exe"); return err }},
	{"list a folder", func(w world) error { return open(w.folder, syscall.O_RDONLY|syscall.O_DIRECTORY) }},
	{"list the root", func(world) error { _, err := os.ReadDir("/"); return err }},
	{"list the libraries", func(world) error { return open("/usr/lib", syscall.O_RDONLY|syscall.O_DIRECTORY) }},
	{"write to a file", func(w world) error { return open(w.secret, syscall.O_WRONLY) }},
	{"write to a device", func(world) error { return open("/dev/null", syscall.O_WRONLY) }},
	{"append to a file", func(w world) error { return open(w.secret, syscall.O_WRONLY|syscall.O_APPEND) }},
	{"truncate a file", func(w world) error { return syscall.Truncate(w.secret, 3) }},
	{"make a file", func(w world) error { return open(filepath.Join(w.folder, "new"), syscall.O_CREAT|syscall.O_WRONLY) }},
	{"make a file without a name", func(w world) error { return open(w.folder, 0o20200000|syscall.O_RDWR) }},
	{"make a folder", func(w world) error { return syscall.Mkdir(filepath.Join(w.folder, "folder"), 0o700) }},
	{"make a link", func(w world) error { return syscall.Link(w.secret, filepath.Join(w.folder, "link")) }},
	{"make a symbolic link", func(w world) error { return syscall.Symlink(w.secret, filepath.Join(w.folder, "symlink")) }},
	{"make a pipe with a name", func(w world) error { return syscall.Mkfifo(filepath.Join(w.folder, "fifo"), 0o600) }},
	{"rename a file", func(w world) error {
		return syscall.Rename(filepath.Join(w.folder, "spare"), filepath.Join(w.folder, "moved"))
	}},
	{"remove a file", func(w world) error { return syscall.Unlink(filepath.Join(w.folder, "spare2")) }},
	{"change permissions", func(w world) error { return syscall.Chmod(w.secret, 0o700) }},
	{"change times", func(w world) error { return syscall.Utimes(w.secret, make([]syscall.Timeval, 2)) }},
	{"change attributes", func(w world) error { return syscall.Setxattr(w.secret, "user.a", []byte("b"), 0) }},
	{"watch a folder", func(world) error { _, err := syscall.InotifyInit(); return err }},
	{"change the working folder", func(w world) error { return syscall.Chdir(w.folder) }},
	{"connect by TCP", func(w world) error { return dial("tcp", w.address) }},
	{"send by UDP", func(w world) error { return dial("udp", w.address) }},
	{"connect to a socket in a folder", func(w world) error { return dial("unix", w.unix) }},
	{"listen by TCP", func(world) error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err }},
	{"make an IPv6 socket", func(world) error { return socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0) }},
	{"make a netlink socket", func(world) error { return socket(syscall.AF_NETLINK, syscall.SOCK_RAW, 0) }},
	{"make a vsock socket", func(world) error { return socket(40, syscall.SOCK_STREAM, 0) }},
	{"make a packet socket", func(world) error { return socket(syscall.AF_PACKET, syscall.SOCK_RAW, 0) }},
	{"make a crypto socket", func(world) error { return socket(38, syscall.SOCK_SEQPACKET, 0) }},
	{"make a socket pair", func(world) error { _, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0); return err }},
	{"use io_uring", func(world) error { var p [128]byte; return raw(425, 1, uintptr(unsafe.Pointer(&p))) }},
	{"fork", func(world) error { return fork(uintptr(syscall.SIGCHLD)) }},
	{"fork by vfork's flags", func(world) error { return fork(uintptr(syscall.SIGCHLD) | syscall.CLONE_VFORK) }},
	{"execute a program", func(w world) error { return exec.Command(w.program).Run() }},
	{"execute itself in a child", func(world) error { return exec.Command("/proc/self/exe", "1", "2").Start() }},
	{"signal another process", func(w world) error { return syscall.Kill(w.victim, 0) }},
	{"signal a thread of another", func(w world) error { return raw(syscall.SYS_TGKILL, uintptr(w.victim), uintptr(w.victim), 0) }},
	{"signal through a handle", func(w world) error { return raw(434, uintptr(w.victim)) }},
	{"read another's memory", func(w world) error { return raw(syscall.SYS_PTRACE, 16, uintptr(w.victim)) }},
	{"read its own memory by another call", func(world) error { return readOwn() }},
	{"change another's limits", func(w world) error {
		var l [2]uint64
		return raw(syscall.SYS_PRLIMIT64, uintptr(w.victim), 7, 0, uintptr(unsafe.Pointer(&l)))
	}},
	{"raise its priority's cost", func(world) error { return syscall.Setpriority(syscall.PRIO_PROCESS, 0, 5) }},
	{"leave its group", func(world) error { _, err := syscall.Setsid(); return err }},
	{"make a namespace", func(world) error { return raw(syscall.SYS_UNSHARE, syscall.CLONE_NEWUTS) }},
	{"mount", func(w world) error {
		if err := syscall.Mount("none", w.folder, "tmpfs", 0, ""); err != nil {
			return err
		}
		return syscall.Unmount(w.folder, syscall.MNT_DETACH)
	}},
	{"make a file in memory", func(world) error { return raw(memfdCreate, text("x"), 0) }},
	{"share memory", func(world) error { return raw(shmget, 0, 4096, 0o1600) }},
	{"use the keyring", func(world) error { return raw(addKey, text("user"), text("a"), text("b"), 1, ^uintptr(3)) }},
	{"load a program into the kernel", func(world) error {
		var attr [128]byte
		*(*uint32)(unsafe.Pointer(&attr[0])) = 2
		*(*uint32)(unsafe.Pointer(&attr[4])) = 4
		*(*uint32)(unsafe.Pointer(&attr[8])) = 8
		*(*uint32)(unsafe.Pointer(&attr[12])) = 1
		return raw(bpf, 0, uintptr(unsafe.Pointer(&attr)), 72)
	}},
	{"catch page faults", func(world) error { return raw(userfaultfd, 0) }},
	{"change its personality", func(world) error { return raw(syscall.SYS_PERSONALITY, 0) }},
	{"learn the host's name", func(world) error { var u syscall.Utsname; return syscall.Uname(&u) }},
}

func openat2(path string) error {
	how := [3]uint64{}
	return raw(437, ^uintptr(99), text(path), uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how))
}

func fork(flags uintptr) error {
	pid, _, failed := syscall.RawSyscall6(syscall.SYS_CLONE, flags, 0, 0, 0, 0, 0)
	if failed != 0 {
		return failed
	}
	if pid == 0 {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
	var status syscall.WaitStatus
	_, err := syscall.Wait4(int(pid), &status, 0, nil)
	return err
}

func readOwn() error {
	var from, to [8]byte
	local := [2]uintptr{uintptr(unsafe.Pointer(&to)), 8}
	remote := [2]uintptr{uintptr(unsafe.Pointer(&from)), 8}
	return raw(processVMReadv, uintptr(os.Getpid()), uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1)
}
