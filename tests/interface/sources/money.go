// Package money has every kind of declaration that the reader must judge.
package money

import "C"
import (
	"io"
	"unsafe"
)

/* func NotHere(a int) {} */
const text = `func NorHere(a int) {}`

type (
	Money int64
	Kind  uint8
)

type Point struct {
	X, Y float64 `json:"x"`
	Tag  [3]byte
	On   bool
}

type Line struct {
	A, B  Point
	Price Money
}

type Session struct {
	names []string
	next  *Session
}

type Ring struct{ Next Ring }
type Embedded struct {
	Point
	Z int
}
type Alias = Line
type List[T any] struct{ item T }

func Add(a, b int, c uint16) int { return a + b + int(c) }

func Price(m Money, k Kind, name string, rate float32) (Money, error) {
	if name == "}" {
		return 0, nil
	}
	return m, nil
}

func Digest(data []byte, seed rune) []byte   { return data }
func Describe(p Point, l Alias) (sum float64, text string, err error) {
	return
}
func OpenSession(path string) (*Session, error) { return nil, nil }
func Ask(s *Session, _ bool) string { return "" }
func CloseSession(s *Session) error { return nil }
func Nothing() {}
func OnlyError() error { return nil }
func Types(int, string) uintptr { return 0 }
func Multi(
	a int8,
	b int64, // with a comment
) float64 {
	return 0
}

//export c_name
func cName(a C.int, s *C.char, n C.size_t) C.double { return 0 }

//export getpid
func pid() int { return 0 }

func (s *Session) Method(a int) {}
func Many(a ...int)             {}
func Map(m map[string]int)      {}
func Channel(c chan int)        {}
func Call(f func(int) int)      {}
func Words(w []string)          {}
func Reader(r io.Reader)        {}
func Pointer(p unsafe.Pointer)  {}
func Generic[T any](a T)        {}
func Ringed(r Ring)             {}
func Embeds(e Embedded)         {}
func Failing(e error)           {}
func Größe(a int)               {}
func private(a int)             {}
