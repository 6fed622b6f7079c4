// Server is textstat in Go.
//
//	rhodes serve -r text_go build/examples/languages/go/server
package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"rhodes"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"example/textstat"
)

const repeatMax = 16 << 20

type doc struct {
	mutex sync.Mutex
	title string
	text  strings.Builder
}

type server struct{}

func isBlank(c byte) bool { return c <= ' ' }

// words calls do for each word, with the place where it begins.
func words(text string, do func(at int, word string)) {
	for at := 0; at < len(text); at++ {
		begin := at
		for at < len(text) && !isBlank(text[at]) {
			at++
		}
		if at > begin {
			do(begin, text[begin:at])
		}
	}
}

func count(text string) textstat.TsCounts {
	counts := textstat.TsCounts{Bytes: uint64(len(text)), Lines: uint64(strings.Count(text, "\n"))}
	inside := 0
	words(text, func(_ int, word string) {
		counts.Words++
		inside += len(word)
	})
	counts.MeanWord = math.NaN()
	if counts.Words > 0 {
		counts.MeanWord = float64(inside) / float64(counts.Words)
	}
	return counts
}

func (server) TsAdd(a, b int32) (int32, error) { return a + b, nil }

func (server) TsSum(a int8, b uint8, c int16, d uint16, e uint32, f int64) (int64, error) {
	return int64(a) + int64(b) + int64(c) + int64(d) + int64(e) + f, nil
}

func (server) TsMax(a, b uint64) (uint64, error) {
	if a > b {
		return a, nil
	}
	return b, nil
}

func (server) TsMean(a float64, b float32) (float64, error) { return (a + float64(b)) / 2, nil }

func (server) TsSame(value float64) (float64, error) { return value, nil }

func (server) TsNext(unit int32) (int32, error) {
	if unit < 0 || unit > 2 {
		return unit, nil
	}
	return (unit + 1) % 3, nil
}

func (server) TsHash(bytes []byte) (uint64, error) {
	hash := uint64(0xcbf29ce484222325)
	for _, c := range bytes {
		hash = (hash ^ uint64(c)) * 0x100000001b3
	}
	return hash, nil
}

func (server) TsCount(text string) (textstat.TsCounts, error) { return count(text), nil }

func (server) TsMeasure(text *string, unit int32) (int64, error) {
	counts := count(rhodes.String(text))
	switch unit {
	case 0:
		return int64(counts.Bytes), nil
	case 1:
		return int64(counts.Words), nil
	case 2:
		return int64(counts.Lines), nil
	}
	return -1, rhodes.Errno(syscall.EINVAL)
}

func (server) TsSummarize(text string) (int32, textstat.TsSummary, error) {
	summary, letters := textstat.TsSummary{Counts: count(text), IsAscii: 1}, 0
	words(text, func(at int, word string) {
		if len(word) > int(summary.Longest.Length) {
			summary.Longest = textstat.TsSpan{Offset: uint32(at), Length: uint32(len(word))}
		}
	})
	for i := 0; i < len(text); i++ {
		if text[i] >= 0x80 {
			summary.IsAscii = 0
		} else if c := text[i] | 0x20; c >= 'a' && c <= 'z' {
			summary.Letters[c-'a']++
			letters++
		}
	}
	if len(text) > 0 {
		summary.Share = float32(float64(letters) / float64(len(text)))
	}
	return 0, summary, nil
}

func (server) TsLonger(a, b textstat.TsSummary) (textstat.TsSummary, error) {
	if b.Counts.Bytes > a.Counts.Bytes {
		return b, nil
	}
	return a, nil
}

func (server) TsEnd(span textstat.TsSpan) (uint32, error) { return span.Offset + span.Length, nil }

func (server) TsShift(span textstat.TsSpan, by int32) (int32, textstat.TsSpan, error) {
	offset := int64(span.Offset) + int64(by)
	if offset < 0 || offset > math.MaxUint32 {
		return -1, span, rhodes.Errno(syscall.ERANGE)
	}
	span.Offset = uint32(offset)
	return 0, span, nil
}

func (server) TsUpper(text string) (*string, error) {
	upper := []byte(text)
	for i, c := range upper {
		if c >= 'a' && c <= 'z' {
			upper[i] = c - 0x20
		}
	}
	result := string(upper)
	return &result, nil
}

func (server) TsRepeat(text string, times uint32) (*string, error) {
	if len(text)*int(times) > repeatMax {
		return nil, rhodes.Errno(syscall.EOVERFLOW)
	}
	result := strings.Repeat(text, int(times))
	return &result, nil
}

func (server) TsReverse(bytes []byte) (int32, error) {
	for i, j := 0, len(bytes)-1; i < j; i, j = i+1, j-1 {
		bytes[i], bytes[j] = bytes[j], bytes[i]
	}
	return 0, nil
}

func (server) TsFill(bytes []byte, count uint32) (int64, error) {
	if int(count) < len(bytes) {
		bytes = bytes[:count]
	}
	for i := range bytes {
		bytes[i] = byte(i)
	}
	return int64(len(bytes)), nil
}

func (server) TsParse(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1, rhodes.Errno(syscall.EINVAL)
	}
	return number, nil
}

func drain(from io.Reader) (int64, error) {
	count, err := io.Copy(io.Discard, from)
	if err != nil {
		return -1, rhodes.Errno(syscall.EIO)
	}
	return count, nil
}

// The descriptor is the call's: what is closed here is a copy.
func (server) TsDrain(fd int) (int64, error) {
	own, err := syscall.Dup(fd)
	if err != nil {
		return -1, err
	}
	file := os.NewFile(uintptr(own), "drained")
	defer file.Close()
	return drain(file)
}

func (server) TsFile(path string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return -1, rhodes.Errno(syscall.ENOENT)
	}
	defer file.Close()
	return drain(file)
}

func (server) TsDocOpen(title *string) (any, error) {
	opened := &doc{title: "untitled"}
	if title != nil {
		opened.title = *title
	}
	return opened, nil
}

func (server) TsDocClose(any) error { return nil }

func (server) TsDocAdd(of any, text string) (int64, error) {
	to := of.(*doc)
	to.mutex.Lock()
	defer to.mutex.Unlock()
	to.text.WriteString(text)
	return int64(to.text.Len()), nil
}

func (server) TsDocCount(of any) (int32, textstat.TsCounts, error) {
	from := of.(*doc)
	from.mutex.Lock()
	defer from.mutex.Unlock()
	return 0, count(from.text.String()), nil
}

func (server) TsDocTitle(of any) (*string, error) { return &of.(*doc).title, nil }

func main() {
	if err := textstat.Serve(server{}, 8); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
