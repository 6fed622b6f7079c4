package rhodes

/*
#include <stdlib.h>
#include <string.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"runtime/cgo"
	"runtime/debug"
	"strings"
	"sync"
	"unsafe"
)

// Args are the arguments of a call that is served, and the place of its result.
type Args struct {
	args unsafe.Pointer
	ret  unsafe.Pointer
}

// At is the C object of parameter i.
func At[T any](a Args, i uintptr) T {
	return **(**T)(unsafe.Add(a.args, i*8))
}

// Behind is what parameter i points to, or nil.
func Behind[T any](a Args, i uintptr) *T { return At[*T](a, i) }

// Put stores through parameter i, unless it is NULL.
func Put[T any](a Args, i uintptr, value T) {
	if to := At[*T](a, i); to != nil {
		*to = value
	}
}

// Give stores the result.
func Give[T any](a Args, value T) {
	if a.ret != nil {
		*(*T)(a.ret) = value
	}
}

// Text is the text of parameter i, or nil.
func (a Args) Text(i uintptr) *string {
	from := At[*C.char](a, i)
	if from == nil {
		return nil
	}
	text := C.GoString(from)
	return &text
}

// Slice are the elements of parameter i, that live as long as the call; nil for NULL.
func Slice[T any](a Args, i uintptr, count int) []T {
	from := At[*T](a, i)
	if from == nil {
		return nil
	}
	return unsafe.Slice(from, count)
}

func memory(size int, isOwned bool) unsafe.Pointer {
	if size == 0 {
		size = 1
	}
	var to unsafe.Pointer
	if isOwned {
		to = C.malloc(C.size_t(size))
	} else {
		to = C.rh_language_memory(C.size_t(size))
	}
	if to == nil {
		panic("out of memory")
	}
	return to
}

// LeaveText is a text as C gets it; NULL for nil.
func LeaveText(text *string, isOwned bool) (uintptr, error) {
	if text == nil {
		return 0, nil
	}
	if strings.IndexByte(*text, 0) >= 0 {
		return 0, valueError("a text holds a NUL")
	}
	to := memory(len(*text)+1, isOwned)
	copy(unsafe.Slice((*byte)(to), len(*text)+1), *text)
	*(*byte)(unsafe.Add(to, len(*text))) = 0
	return uintptr(to), nil
}

// LeaveBytes are elements as C gets them; NULL for nil.
func LeaveBytes[T any](bytes []T, isOwned bool) uintptr {
	if bytes == nil {
		return 0
	}
	var one T
	to := memory(len(bytes)*int(unsafe.Sizeof(one)), isOwned)
	copy(unsafe.Slice((*T)(to), len(bytes)), bytes)
	return uintptr(to)
}

// Mirrored is an object that callers look into, where the interface mirrors bytes of it.
type Mirrored interface {
	// Mirror fills in what they see; called when a function made or used the object.
	Mirror(bytes []byte)
}

// Result is the result, in the place of a parameter.
const Result = ^uint32(0)

// Mirror tells what callers see of an object.
func (a Args) Mirror(parameter uint32, object any, length int) error {
	if object == nil {
		return nil
	}
	shown, is := object.(Mirrored)
	if !is {
		return valueError("callers look into a %T, which is no rhodes.Mirrored", object)
	}
	bytes := make([]byte, length)
	shown.Mirror(bytes)
	if code := C.rh_language_mirror(C.uint(parameter), unsafe.Pointer(&bytes[0]), C.size_t(length)); code < 0 {
		return lastError(code)
	}
	return nil
}

// Objects are those of one kind that a server's callers hold.  One that is no longer here is
// refused, whatever the caller says.
type Objects struct {
	mutex sync.RWMutex
	kept  map[uintptr]any
	at    map[any]uintptr
	next  uintptr
}

// Put keeps an object; 0 for nil.
func (o *Objects) Put(object any) uintptr {
	if object == nil {
		return 0
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.kept == nil {
		o.kept, o.at = map[uintptr]any{}, map[any]uintptr{}
	}
	o.next += 16
	o.kept[o.next] = object
	o.at[object] = o.next
	return o.next
}

// Find is what Put gave an object; 0 for one that is not kept.
func (o *Objects) Find(object any) uintptr {
	o.mutex.RLock()
	defer o.mutex.RUnlock()
	if object == nil {
		return 0
	}
	return o.at[object]
}

// Get is the object; nil for 0 where that is allowed.
func (o *Objects) Get(at uintptr, isNullable bool) (any, error) {
	o.mutex.RLock()
	defer o.mutex.RUnlock()
	object, there := o.kept[at]
	if !there && (at != 0 || !isNullable) {
		return nil, ErrClosed
	}
	return object, nil
}

// Take is Get for a function that ends the object.
func (o *Objects) Take(at uintptr, isNullable bool) (any, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	object, there := o.kept[at]
	if !there && (at != 0 || !isNullable) {
		return nil, ErrClosed
	}
	delete(o.kept, at)
	if there {
		delete(o.at, object)
	}
	return object, nil
}

type server struct {
	invoke  func(number int, a Args) error
	numbers []int // by index in the interface
}

func raise(kind, message string) C.int {
	texts := [...]*C.char{C.CString("go"), C.CString(kind), C.CString(clean(message)),
		C.CString(clean(string(debug.Stack())))}
	exception := C.struct_rh_exception{language: texts[0], _type: texts[1], message: texts[2], stack: texts[3]}
	code := raiseIt(&exception)
	for _, text := range texts {
		C.free(unsafe.Pointer(text))
	}
	return code
}

// raiseIt hands over a copy of C: a struct of Go may not hold what C.CString made.
func raiseIt(exception *C.struct_rh_exception) C.int {
	memory := (*C.struct_rh_exception)(C.malloc(C.size_t(unsafe.Sizeof(*exception))))
	defer C.free(unsafe.Pointer(memory))
	*memory = *exception
	return C.rh_language_raise(memory)
}

func clean(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }

//export rhGoInvoke
func rhGoInvoke(user C.uintptr_t, function C.uint, args, ret unsafe.Pointer) (code C.int) {
	const efunc, ecanceled = -1006, -125
	s := cgo.Handle(user).Value().(*server)
	if int(function) >= len(s.numbers) || s.numbers[function] < 0 {
		return efunc
	}
	defer func() {
		if reason := recover(); reason != nil {
			code = raise("panic", fmt.Sprint(reason))
		}
	}()
	err := s.invoke(s.numbers[function], Args{args, ret})
	if err == nil {
		return 0
	}
	if err == ErrEnded {
		return ecanceled
	}
	if errno, is := err.(Errno); is {
		return C.int(errno)
	}
	return raise(fmt.Sprintf("%T", err), err.Error())
}

// Serve serves the interface of the resource that this process runs as until SIGTERM or Stop,
// on at most so many threads (1 to 64).  Functions that differ are told by name, all at once.
func Serve(functions []Function, invoke func(number int, a Args) error, threads int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var table *C.struct_rh_interface
	if code := C.rh_language_own(&table); code < 0 {
		return lastError(code)
	}
	indices, err := find(table, functions)
	if err != nil {
		return err
	}
	s := &server{invoke: invoke, numbers: make([]int, table.function_count)}
	for i := range s.numbers {
		s.numbers[i] = -1
	}
	for number, index := range indices {
		s.numbers[index] = number
	}
	handle := cgo.NewHandle(s) // for as long as the process: events go on
	if code := C.rh_go_serve(table, C.uintptr_t(handle), C.uint(threads)); code < 0 {
		return lastError(code)
	}
	return nil
}

// Stop ends Serve, from any goroutine.
func Stop() { C.rh_serve_stop() }
