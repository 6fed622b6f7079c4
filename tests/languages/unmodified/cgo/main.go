// A program that knows nothing of Rhodes: functions of C by cgo.
package main

/*
#include <stdlib.h>
#include <textstat.h>
*/
import "C"

import (
	"fmt"
	"unsafe"
)

func main() {
	text := C.CString("a go")
	defer C.free(unsafe.Pointer(text))
	upper := C.GoString(C.ts_upper(text))
	fmt.Printf("%d %x %s\n", C.ts_add(2, 3), uint64(C.ts_hash(unsafe.Pointer(text), 1)), upper)
}
