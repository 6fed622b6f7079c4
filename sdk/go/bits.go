package rhodes

// Bits are those of a struct whose fields Go does not lay out as C does.
func Bits(bytes []byte, first, width uint) uint64 {
	var value uint64
	for i := uint(0); i < width; i++ {
		at := first + i
		value |= uint64(bytes[at/8]>>(at%8)&1) << i
	}
	return value
}

// SetBits stores them.
func SetBits(bytes []byte, first, width uint, value uint64) {
	for i := uint(0); i < width; i++ {
		at := first + i
		bytes[at/8] &^= 1 << (at % 8)
		bytes[at/8] |= byte(value>>i&1) << (at % 8)
	}
}

// Extend gives a number of that many bits its sign.
func Extend(value uint64, width uint) int64 {
	return int64(value<<(64-width)) >> (64 - width)
}

// Sized ends a program whose struct is not laid out as C has it: go vet of Go 1.19 cannot tell
// sizes, so that the compiler cannot be asked.
func Sized(size, wanted uintptr) {
	if size != wanted {
		panic("rhodes: a struct is not laid out as in C")
	}
}
