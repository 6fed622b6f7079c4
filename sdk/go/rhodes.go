// Package rhodes calls resources of Rhodes in other processes, and serves calls.
//
// `rhodes interface bind FILE.side --language go -o foo/foo.go` writes a package for an
// interface: a client whose methods are its functions, a type for each object and struct, and
// an interface for servers.  That package stands on this one, and this one on librhodes.
//
// Any number of goroutines may call one client at once.  A call holds its thread, as every
// call into C does: a thousand goroutines that wait for a slow callee are a thousand threads.
package rhodes

/*
#cgo pkg-config: rhodes
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

// Function is a function of an interface: its name and its canonical text.
type Function struct{ Name, Text string }

// Library is an interface that a callee offers: what a generated client stands on.
type Library struct {
	library *C.struct_rh_stub_library
	indices []C.uint
	errno   *Errno // of the last call, when somebody asks
}

// Out is a text or bytes that come out; see shim.h.
type Out struct{ At, Length, LengthSize, Element, IsOwned uint32 }

// Plan is what a call needs to know of its frame; see shim.h.
type Plan struct {
	Ret      uint32
	OutCount uint32
	Outs     [C.RH_GO_OUTS]Out
	Bytes    [C.RH_GO_BYTES]uint32
}

// FrameHead is where the arguments of a call may begin in its frame.
const FrameHead = 192

const (
	frameSize = 4096
	frameRoom = 512 // for texts, at least
)

// Frame is memory of C for one call.
type Frame struct {
	base unsafe.Pointer
	at   uint32 // of the room that is left
	size uint32
}

var frames = sync.Pool{New: func() any {
	f := newFrame(frameSize)
	runtime.SetFinalizer(f, func(f *Frame) { C.free(f.base) })
	return f
}}

func newFrame(size uint32) *Frame {
	f := &Frame{base: C.calloc(1, C.size_t(size)), size: size}
	if f.base == nil {
		panic("rhodes: out of memory")
	}
	(*C.struct_rh_go_frame)(f.base).size = C.uint32_t(size)
	return f
}

// NewFrame has room for arguments up to that offset.
func NewFrame(end uint32) *Frame {
	if end+frameRoom > frameSize {
		f := newFrame(end + frameRoom)
		f.at = end
		return f
	}
	f := frames.Get().(*Frame)
	f.at = end
	return f
}

// Free gives the frame back.
func (f *Frame) Free() {
	if (*C.struct_rh_go_frame)(f.base).more != nil {
		C.rh_go_free_more(f.base)
	}
	if f.size == frameSize {
		frames.Put(f)
	} else {
		C.free(f.base)
	}
}

// At is a place in the frame.
func (f *Frame) At(offset uintptr) unsafe.Pointer { return unsafe.Add(f.base, offset) }

// Arg says that argument i stands there.
func (f *Frame) Arg(i, offset uintptr) unsafe.Pointer {
	*(*uintptr)(unsafe.Add(f.base, i*8)) = uintptr(f.base) + offset
	return unsafe.Add(f.base, offset)
}

// Behind says that argument i is a pointer, that stands at offset, to what stands at value.
func (f *Frame) Behind(i, offset, value uintptr) unsafe.Pointer {
	*(*uintptr)(f.Arg(i, offset)) = uintptr(f.base) + value
	return unsafe.Add(f.base, value)
}

// Text copies a text, argument i, with a NUL behind it.  place: function and parameter, for errors.
func (f *Frame) Text(place string, i, offset uintptr, text string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return valueError("%s holds a NUL", place)
	}
	to := unsafe.Add(f.base, f.at)
	if uint64(len(text))+1 > uint64(f.size-f.at) {
		if to = C.rh_go_more(f.base, C.size_t(len(text)+1)); to == nil {
			return valueError("no memory for a text of %d bytes", len(text))
		}
	} else {
		f.at += uint32(len(text)) + 1
	}
	copy(unsafe.Slice((*byte)(to), len(text)+1), text)
	*(*byte)(unsafe.Add(to, len(text))) = 0
	*(*uintptr)(f.Arg(i, offset)) = uintptr(to)
	return nil
}

// NullableText is Text, or NULL.
func (f *Frame) NullableText(place string, i, offset uintptr, text *string) error {
	if text == nil {
		*(*uintptr)(f.Arg(i, offset)) = 0
		return nil
	}
	return f.Text(place, i, offset, *text)
}

// TakeText is a text that came; nil for NULL.
func (f *Frame) TakeText(offset uintptr) *string {
	from := *(**C.char)(f.At(offset))
	if from == nil {
		return nil
	}
	text := C.GoString(from)
	return &text
}

// TakeBytes are elements that came; nil for NULL.
func TakeBytes[T any](f *Frame, offset uintptr, count uint64) []T {
	from := *(**T)(f.At(offset))
	if from == nil {
		return nil
	}
	taken := make([]T, count)
	copy(taken, unsafe.Slice(from, count))
	return taken
}

// Place is where a slice lies, and never NULL, unless nil may be told.
func Place[T any](f *Frame, slice []T, isNullable bool) unsafe.Pointer {
	if len(slice) > 0 {
		return unsafe.Pointer(&slice[0])
	}
	if slice == nil && isNullable {
		return nil
	}
	return f.base
}

type integer interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Length is a length as C's parameter has it.
func Length[T integer](length int) (T, error) {
	value := T(length)
	if value < 0 || int(value) != length {
		return 0, valueError("a slice of %d is longer than its parameter can tell", length)
	}
	return value, nil
}

// SameLength refuses slices that share one length and differ in it.
func SameLength(one, other int) error {
	if one != other {
		return valueError("slices of one length have %d and %d", one, other)
	}
	return nil
}

// String is a text that came, "" for NULL.
func String(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func (f *Frame) err(code C.int) error {
	kept := (*C.struct_rh_go_frame)(f.base).error
	if kept == nil {
		return &Error{Code: int(code), Text: "out of memory"}
	}
	if kept.language != nil && code == -1019 {
		return &RaisedError{Language: C.GoString(kept.language), Type: C.GoString(kept._type),
			Message: C.GoString(kept.message), Stack: C.GoString(kept.stack)}
	}
	return &Error{Code: int(code), Ran: kept.ran != 0, Text: C.GoString(kept.text)}
}

// told is what a call says that is not 0: why it failed, or that the scheduler is to run.
func (f *Frame) told(code C.int) error {
	if code < 0 {
		return f.err(code)
	}
	runtime.Gosched()
	return nil
}

// lastError is the calling thread's, which must be locked.
func lastError(code C.int) error {
	return &Error{Code: int(code), Ran: C.rh_last_ran() != 0, Text: C.GoString(C.rh_last_error())}
}

// find tells where the functions stand in an interface; all that differ are told at once.
func find(table *C.struct_rh_interface, functions []Function) ([]C.uint, error) {
	texts := (*[1 << 20]*C.char)(C.calloc(C.size_t(len(functions)+1), 8))
	defer C.free(unsafe.Pointer(texts))
	for i, function := range functions {
		texts[i] = C.CString(function.Text)
		defer C.free(unsafe.Pointer(texts[i]))
	}
	code := C.rh_language_match(table, &texts[0], C.uint(len(functions)))
	if code < 0 {
		text := C.GoString(C.rh_language_difference())
		if text == "" {
			text = C.GoString(C.rh_last_error())
		}
		return nil, &Error{Code: int(code), Text: text}
	}
	indices := make([]C.uint, len(functions))
	for i, function := range functions {
		name := C.CString(function.Name)
		index := C.rh_language_find(table, name)
		C.free(unsafe.Pointer(name))
		if index < 0 {
			return nil, lastError(index)
		}
		indices[i] = C.uint(index)
	}
	return indices, nil
}

// Open finds the callee called that among the references of this resource, or the one that
// offers the interface called that.
func Open(name string, functions []Function) (*Library, error) {
	runtime.LockOSThread() // the words of a failure are the thread's
	defer runtime.UnlockOSThread()
	library := &Library{}
	if strings.IndexByte(name, 0) >= 0 {
		return nil, valueError("a name holds a NUL")
	}
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	if code := C.rh_language_open(text, &library.library); code < 0 {
		return nil, lastError(code)
	}
	var err error
	library.indices, err = find(library.library._interface, functions)
	if err != nil {
		return nil, err
	}
	return library, nil
}

// Call calls the function of that number.  The plan is a variable of the program, and no memory
// of the heap: C gets its address as a number.
func (l *Library) Call(f *Frame, number int, plan *Plan) error {
	code := C.rh_go_call(C.uintptr_t(uintptr(unsafe.Pointer(l.library))), l.indices[number],
		C.uintptr_t(uintptr(f.base)), C.uintptr_t(uintptr(unsafe.Pointer(plan))), C.uint32_t(f.at))
	if code != 0 {
		if err := f.told(code); err != nil {
			return err
		}
	}
	l.keepErrno(f)
	return nil
}

// WithErrno is the library for a client that keeps errno.
func (l *Library) WithErrno(errno *Errno) *Library {
	return &Library{l.library, l.indices, errno}
}

// keepErrno is for calls that worked: a failed one has an error of its own.
func (l *Library) keepErrno(f *Frame) {
	if l.errno != nil {
		*l.errno = Errno((*C.struct_rh_go_frame)(f.base).err_no)
	}
}

// CallBytes is Call with slices, that C reads and writes where they lie.
func (l *Library) CallBytes(f *Frame, number int, plan *Plan, b0, b1, b2, b3 unsafe.Pointer) error {
	code := C.rh_go_call_bytes(C.uintptr_t(uintptr(unsafe.Pointer(l.library))), l.indices[number],
		C.uintptr_t(uintptr(f.base)), C.uintptr_t(uintptr(unsafe.Pointer(plan))), C.uint32_t(f.at),
		b0, b1, b2, b3)
	if code != 0 {
		if err := f.told(code); err != nil {
			return err
		}
	}
	l.keepErrno(f)
	return nil
}

type number interface {
	integer | ~int | ~uint
}

// Narrow is a number as another type, and panics with ErrValue where it does not fit: overlaid
// packages, whose functions know no such error, use it.
func Narrow[To, From number](value From) To {
	narrow := To(value)
	if From(narrow) != value || (narrow < 0) != (value < 0) {
		panic(valueError("%d does not fit", value))
	}
	return narrow
}

// Bool is a bool as C has it.
func Bool(value bool) uint8 {
	if value {
		return 1
	}
	return 0
}
