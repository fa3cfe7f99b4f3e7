package main

const (
	memfdCreate, shmget, addKey, bpf, userfaultfd, processVMReadv = 279, 194, 217, 280, 282, 270
)
