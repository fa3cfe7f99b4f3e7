package launcher

// architecture is AUDIT_ARCH_X86_64; numbers from foreignNumbers on are those of x32.
const (
	architecture   = 0xc000003e
	foreignNumbers = 0x40000000
)

// The calls of the launcher, of the probe, and those that are allowed with certain arguments (asm/unistd_64.h).
const (
	sysWrite                 = 1
	sysOpen                  = 2
	sysClose                 = 3
	sysIoctl                 = 16
	sysGetpid                = 39
	sysSocket                = 41
	sysClone                 = 56
	sysExecve                = 59
	sysKill                  = 62
	sysFcntl                 = 72
	sysPtrace                = 101
	sysCapget                = 125
	sysCapset                = 126
	sysSchedSetscheduler     = 144
	sysPrctl                 = 157
	sysTgkill                = 234
	sysExitGroup             = 231
	sysOpenat                = 257
	sysMkdirat               = 258
	sysReadlinkat            = 267
	sysFchmodat              = 268
	sysUnshare               = 272
	sysPrlimit64             = 302
	sysSeccomp               = 317
	sysMemfdCreate           = 319
	sysExecveat              = 322
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
	0,   // read
	1,   // write
	3,   // close
	8,   // lseek
	17,  // pread64
	19,  // readv
	20,  // writev
	295, // preadv
	327, // preadv2
	221, // fadvise64
	32,  // dup
	33,  // dup2
	292, // dup3
	22,  // pipe
	293, // pipe2
	436, // close_range
	// What files are: the loader looks for libraries by these.
	4,   // stat
	5,   // fstat
	6,   // lstat
	262, // newfstatat
	332, // statx
	21,  // access
	269, // faccessat
	439, // faccessat2
	79,  // getcwd
	137, // statfs
	138, // fstatfs
	// Waiting.
	7,   // poll
	271, // ppoll
	23,  // select
	270, // pselect6
	213, // epoll_create
	291, // epoll_create1
	233, // epoll_ctl
	232, // epoll_wait
	281, // epoll_pwait
	441, // epoll_pwait2
	290, // eventfd2
	202, // futex
	449, // futex_waitv
	35,  // nanosleep
	230, // clock_nanosleep
	24,  // sched_yield
	// Memory.
	9,   // mmap
	10,  // mprotect
	11,  // munmap
	12,  // brk
	25,  // mremap
	26,  // msync
	27,  // mincore
	28,  // madvise
	324, // membarrier
	149, // mlock: libgcrypt, which ffmpeg brings along, complains without it
	150, // munlock
	// Threads and signals of its own.
	13,  // rt_sigaction
	14,  // rt_sigprocmask
	15,  // rt_sigreturn
	127, // rt_sigpending
	128, // rt_sigtimedwait
	130, // rt_sigsuspend
	131, // sigaltstack
	219, // restart_syscall
	158, // arch_prctl
	218, // set_tid_address
	273, // set_robust_list
	334, // rseq
	60,  // exit
	231, // exit_group
	// Who and when it is.
	39,  // getpid
	186, // gettid
	102, // getuid
	104, // getgid
	107, // geteuid
	108, // getegid
	96,  // gettimeofday
	201, // time
	228, // clock_gettime
	229, // clock_getres
	97,  // getrlimit
	98,  // getrusage
	100, // times
	99,  // sysinfo
	204, // sched_getaffinity
	145, // sched_getscheduler
	143, // sched_getparam
	146, // sched_get_priority_max
	147, // sched_get_priority_min
	309, // getcpu
	318, // getrandom
}
