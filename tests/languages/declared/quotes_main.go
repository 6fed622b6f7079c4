// Serves package quotes by the binding of the interface that was made of it.
package main

import (
	"fmt"
	"os"

	bound "program/bound"
	"program/quotes"
)

type server struct{}

func (server) Price(amount int64, rate float64, name string) (float64, error) {
	return quotes.Price(amount, rate, name)
}

func (server) Digest(data []uint8, seed uint32) ([]uint8, error) {
	return quotes.Digest(data, seed), nil
}

func (server) Moved(point bound.Point, by float64) (bound.Point, error) {
	return bound.Point(quotes.Moved(quotes.Point(point), by)), nil
}

func (server) Several(count uint32) (float64, *string, error) {
	half, text := quotes.Several(count)
	return half, &text, nil
}

func (server) OpenSession(note string) (any, error) { return quotes.OpenSession(note), nil }

func (server) AskSession(s any, question string) (*string, error) {
	said := quotes.AskSession(s.(*quotes.Session), question)
	return &said, nil
}

func (server) CloseSession(s any) error {
	quotes.CloseSession(s.(*quotes.Session))
	return nil
}

func main() {
	if err := bound.Serve(server{}, 4); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
