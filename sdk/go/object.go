package rhodes

import (
	"runtime"
	"sync/atomic"
)

// Object is an object of a callee, as a generated type holds it.
type Object struct {
	raw     atomic.Uintptr
	destroy func(raw uintptr) error // nil: nothing ends it
}

// Init makes the object what came; destroy is called by Close and when nobody holds it.
func (o *Object) Init(raw uintptr, destroy func(raw uintptr) error) {
	o.raw.Store(raw)
	if o.destroy = destroy; destroy != nil {
		runtime.SetFinalizer(o, func(o *Object) { go o.Close() })
	}
}

// Raw is the object as C has it.
func (o *Object) Raw() (uintptr, error) {
	if o == nil {
		return 0, ErrClosed
	}
	raw := o.raw.Load()
	if raw == 0 {
		return 0, ErrClosed
	}
	return raw, nil
}

// Take is Raw for a function that ends the object.
func (o *Object) Take() (uintptr, error) {
	if o == nil {
		return 0, ErrClosed
	}
	raw := o.raw.Swap(0)
	if raw == 0 {
		return 0, ErrClosed
	}
	return raw, nil
}

// Close ends the object; once is enough, more is allowed.
func (o *Object) Close() error {
	raw, err := o.Take()
	if err != nil || o.destroy == nil {
		return nil
	}
	return o.destroy(raw)
}
