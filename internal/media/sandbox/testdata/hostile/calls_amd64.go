package main

const (
	memfdCreate, shmget, addKey, bpf, userfaultfd, processVMReadv = 319, 29, 248, 321, 323, 310
)
