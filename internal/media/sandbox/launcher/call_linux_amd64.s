#include "textflag.h"

// func call(number, a, b, c, d, e uintptr) (result int)
TEXT ·call(SB), NOSPLIT, $0-56
	MOVQ number+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ c+24(FP), DX
	MOVQ d+32(FP), R10
	MOVQ e+40(FP), R8
	XORL R9, R9
	SYSCALL
	MOVQ AX, result+48(FP)
	RET
