package container

func readMatroska(*source) (File, error) { return File{}, errUnsure }
