package rhodes

import (
	"errors"
	"fmt"
	"syscall"
)

// Kinds of failure, for errors.Is.
var (
	// ErrLost: the callee was lost, or none is up.
	ErrLost = errors.New("rhodes: the callee was lost")
	// ErrTimeout: the deadline passed.
	ErrTimeout = errors.New("rhodes: the deadline passed")
	// ErrRefused: a rule, or what this process is, does not allow the call.
	ErrRefused = errors.New("rhodes: refused")
	// ErrInterface: the two sides do not mean the same functions.
	ErrInterface = errors.New("rhodes: interfaces differ")
	// ErrValue: a value does not fit its type; nothing was sent.
	ErrValue = errors.New("rhodes: a value does not fit")
	// ErrClosed: the object was closed.
	ErrClosed = errors.New("rhodes: the object is closed")
)

// Error is a call that failed.
type Error struct {
	Code int    // the negative one of model/errors.def
	Ran  bool   // whether the function may have run
	Text string // of an interface that differs: the lines that do
}

func (e *Error) Error() string { return "rhodes: " + e.Text }

// Is tells the kind of failure.
func (e *Error) Is(target error) bool {
	switch -e.Code {
	case 1002, 1003, 1005:
		return target == ErrLost
	case 110:
		return target == ErrTimeout
	case 1, 13, 1001, 1004, 1010, 1011, 1018:
		return target == ErrRefused
	case 1006, 1009, 1012, 1013:
		return target == ErrInterface
	}
	return false
}

// RaisedError is what the callee's function raised, in whatever language it is written.
type RaisedError struct {
	Language, Type, Message string
	Stack                   string // as that language prints it
}

func (e *RaisedError) Error() string {
	return fmt.Sprintf("%s %s: %s", e.Language, e.Type, e.Message)
}

// ErrEnded ends an event of a server.
var ErrEnded = errors.New("rhodes: there are no more events")

// Errno is errno of C.  A server's function returns it as its error to fail as C does: the
// values are returned as they are, and a caller in C finds this in errno.  A caller has it of
// Client.WithErrno.
type Errno int

func (e Errno) Error() string { return syscall.Errno(e).Error() }

// Is lets errors.Is find syscall.ENOENT and its like, and fs.ErrNotExist.
func (e Errno) Is(target error) bool {
	number := syscall.Errno(e)
	return target == number || number.Is(target)
}

// Missing is the error of a server for NULL where the interface has none.
func Missing(parameter string) error { return valueError("%s is NULL", parameter) }

func valueError(format string, words ...any) error {
	return fmt.Errorf("%w: %s", ErrValue, fmt.Sprintf(format, words...))
}

// Stores tells whether a server's values are returned: without an error, or with an Errno.
func Stores(err error) bool {
	if err == nil {
		return true
	}
	_, is := err.(Errno)
	return is
}
