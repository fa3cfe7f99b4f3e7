package launcher

// architecture is AUDIT_ARCH_AARCH64, which has one set of numbers only.
const (
	architecture   = 0xc00000b7
	foreignNumbers = 0x40000000
)

// The calls of the launcher, of the probe, and those that are allowed with certain arguments
// (asm-generic/unistd.h).
const (
	sysOpen                  = 0x3fffffff // there is none
	sysFcntl                 = 25
	sysIoctl                 = 29
	sysMkdirat               = 34
	sysFchmodat              = 53
	sysOpenat                = 56
	sysClose                 = 57
	sysWrite                 = 64
	sysReadlinkat            = 78
	sysCapget                = 90
	sysCapset                = 91
	sysExitGroup             = 94
	sysUnshare               = 97
	sysPtrace                = 117
	sysSchedSetscheduler     = 119
	sysKill                  = 129
	sysTgkill                = 131
	sysPrctl                 = 167
	sysGetpid                = 172
	sysSocket                = 198
	sysClone                 = 220
	sysExecve                = 221
	sysPrlimit64             = 261
	sysSeccomp               = 277
	sysMemfdCreate           = 279
	sysExecveat              = 281
	sysIoUringSetup          = 425
	sysClone3                = 435
	sysCloseRange            = 436
	sysLandlockCreateRuleset = 444
	sysLandlockAddRule       = 445
	sysLandlockRestrictSelf  = 446
)

// allowed is what a program needs that reads a file, computes and writes to a pipe.
var allowed = [...]uint32{
	// Files that are open, or that Landlock lets it open for reading.
	63,  // read
	64,  // write
	57,  // close
	62,  // lseek
	67,  // pread64
	65,  // readv
	66,  // writev
	69,  // preadv
	286, // preadv2
	223, // fadvise64
	23,  // dup
	24,  // dup3
	59,  // pipe2
	436, // close_range
	// What files are: the loader looks for libraries by these.
	79,  // newfstatat
	80,  // fstat
	291, // statx
	48,  // faccessat
	439, // faccessat2
	17,  // getcwd
	43,  // statfs
	44,  // fstatfs
	// Waiting.
	73,  // ppoll
	72,  // pselect6
	20,  // epoll_create1
	21,  // epoll_ctl
	22,  // epoll_pwait
	441, // epoll_pwait2
	19,  // eventfd2
	98,  // futex
	449, // futex_waitv
	101, // nanosleep
	115, // clock_nanosleep
	124, // sched_yield
	// Memory.
	222, // mmap
	226, // mprotect
	215, // munmap
	214, // brk
	216, // mremap
	227, // msync
	232, // mincore
	233, // madvise
	283, // membarrier
	228, // mlock: libgcrypt, which ffmpeg brings along, complains without it
	229, // munlock
	// Threads and signals of its own.
	134, // rt_sigaction
	135, // rt_sigprocmask
	139, // rt_sigreturn
	136, // rt_sigpending
	137, // rt_sigtimedwait
	133, // rt_sigsuspend
	132, // sigaltstack
	128, // restart_syscall
	96,  // set_tid_address
	99,  // set_robust_list
	293, // rseq
	93,  // exit
	94,  // exit_group
	// Who and when it is.
	172, // getpid
	178, // gettid
	174, // getuid
	176, // getgid
	175, // geteuid
	177, // getegid
	169, // gettimeofday
	113, // clock_gettime
	114, // clock_getres
	163, // getrlimit
	165, // getrusage
	153, // times
	179, // sysinfo
	123, // sched_getaffinity
	120, // sched_getscheduler
	121, // sched_getparam
	125, // sched_get_priority_max
	126, // sched_get_priority_min
	168, // getcpu
	278, // getrandom
}
