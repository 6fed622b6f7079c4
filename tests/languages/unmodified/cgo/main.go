// A program that knows nothing of Rhodes: functions of C by cgo.
package main

/*
#include <stdlib.h>
#include <textstat.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"
)

func main() {
	text := C.CString("a go")
	defer C.free(unsafe.Pointer(text))
	upper := C.GoString(C.ts_upper(text))
	var span C.struct_ts_span
	result, err := C.ts_shift(&span, -1) // err is errno
	_, none := C.ts_shift(&span, 1)
	fmt.Printf("%d %x %s %d %t %v\n", C.ts_add(2, 3), uint64(C.ts_hash(unsafe.Pointer(text), 1)),
		upper, result, errors.Is(err, syscall.ERANGE), none)
}
