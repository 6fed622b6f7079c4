// Package textstat is a package of pure Go; nothing of it is known to Rhodes.
package textstat

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// TsAdd adds.
func TsAdd(a, b int) int { return a + b }

// TsUpper is for ASCII.
func TsUpper(text string) string { return strings.ToUpper(text) }

// TsParse reads a decimal number.
func TsParse(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }

// TsFill fills.
func TsFill(bytes []byte, count uint32) int64 {
	for i := range bytes {
		bytes[i] = 77
	}
	return int64(len(bytes))
}

// TsFile takes what the interface does not.
func TsFile(path *os.File) (int64, error) { return 0, errors.New("own") }

// Own is no function of the interface.
func Own() string { return "own" }
