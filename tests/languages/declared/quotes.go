// Package quotes is what the interface is made of; quotes_main.go serves it.
package quotes

import (
	"errors"
	"fmt"
)

type Point struct{ X, Y float64 }

type Session struct {
	note  *string
	asked int
}

func Price(amount int64, rate float64, name string) (float64, error) {
	if name == "" {
		return 0, errors.New("nothing has no price")
	}
	return float64(amount) * rate, nil
}

func Digest(data []byte, seed uint32) []byte {
	out := make([]byte, len(data))
	for i, b := range data {
		out[i] = b + byte(seed)
	}
	return out
}

func Moved(point Point, by float64) Point { return Point{point.X + by, point.Y - by} }

func Several(count uint32) (float64, string) {
	return float64(count) / 2, fmt.Sprintf("%0*d", count, 0)
}

func OpenSession(note string) *Session { return &Session{&note, 0} }

func AskSession(s *Session, question string) string {
	s.asked++
	return fmt.Sprintf("%s %d: %s", *s.note, s.asked, question)
}

func CloseSession(s *Session) {}
