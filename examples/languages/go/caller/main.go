// Caller calls every function of textstat from Go.
//
//	rhodes run -r texts_go -- build/examples/languages/go/caller text_go
//
// It prints "ok N checks, p50 N ns" and ends with 0; or what differs, and 1.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"rhodes"
	"sort"
	"time"

	"example/textstat"
)

const calls = 20000

type checks struct{ count, missed int }

func (c *checks) same(got, wanted any, what string) {
	c.count++
	if got != wanted {
		c.missed++
		fmt.Printf("differs: %s: %.200v is not %.200v\n", what, got, wanted)
	}
}

// must ends the program when a call fails that must not.
func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return value
}

func near(got, wanted float64) bool { return math.Abs(got-wanted) <= 1e-6*math.Abs(wanted) }

func numbers(ts *textstat.Client, check *checks) {
	check.same(must(ts.TsAdd(2, 3)), int32(5), "add")
	check.same(must(ts.TsAdd(math.MaxInt32, 1)), int32(math.MinInt32), "add")
	all := int64(-128 + 255 - 32768 + 65535 + math.MaxUint32 - 1)
	check.same(must(ts.TsSum(-128, 255, -32768, 65535, math.MaxUint32, -1)), all, "sum")
	check.same(must(ts.TsSum(1, 1, 1, 1, 1, math.MaxInt64-5)), int64(math.MaxInt64), "sum")
	check.same(must(ts.TsMax(math.MaxUint64, 1)), uint64(math.MaxUint64), "max")
	check.same(must(ts.TsMax(1<<63, 1<<63+1)), uint64(1<<63+1), "max")
	check.same(near(must(ts.TsMean(1.5, 2.25)), 1.875), true, "mean")
	check.same(must(ts.TsMean(math.Inf(1), 1)), math.Inf(1), "mean")
	const nan = 0x7ff8000000001234
	check.same(math.Float64bits(must(ts.TsSame(math.Float64frombits(nan)))), uint64(nan), "a NaN")
	check.same(math.Float64bits(must(ts.TsSame(math.Copysign(0, -1)))), uint64(1<<63), "-0")
	units := [3]int32{must(ts.TsNext(0)), must(ts.TsNext(2)), must(ts.TsNext(77))}
	check.same(units, [3]int32{1, 0, 77}, "next")
}

func texts(ts *textstat.Client, check *checks) {
	counts := must(ts.TsCount("one two  three\nfour"))
	check.same([3]uint64{counts.Bytes, counts.Words, counts.Lines}, [3]uint64{19, 4, 1}, "count")
	check.same(near(counts.MeanWord, 3.75), true, "mean word")
	check.same(math.IsNaN(must(ts.TsCount("")).MeanWord), true, "mean of no words")
	some, one := "a b\n", "a"
	check.same(must(ts.TsMeasure(&some, 1)), int64(2), "measure")
	check.same(must(ts.TsMeasure(nil, 0)), int64(0), "measure NULL")
	check.same(must(ts.TsMeasure(&one, 9)), int64(-1), "no such unit")
	result, summary, err := ts.TsSummarize("Hello, wonderful world")
	check.same(must(result, err), int32(0), "summarize")
	check.same(summary.Longest, textstat.TsSpan{Offset: 7, Length: 9}, "longest")
	check.same([2]uint32{summary.Letters[11], summary.Letters[7]}, [2]uint32{4, 1}, "letters")
	check.same(near(float64(summary.Share), 19.0/22), true, "share")
	check.same([2]uint64{uint64(summary.IsAscii), summary.Counts.Words}, [2]uint64{1, 3}, "summary")
	check.same(must(ts.TsLonger(textstat.TsSummary{}, summary)), summary, "longer")
	_, summary, err = ts.TsSummarize("ä")
	check.same(must(summary, err).IsAscii, int8(0), "ascii")
	check.same(rhodes.String(must(ts.TsUpper("Straße"))), "STRAßE", "upper")
	empty := must(ts.TsUpper(""))
	check.same(empty != nil && *empty == "", true, "upper of nothing")
	check.same(rhodes.String(must(ts.TsUpper("a\xff\xfe"))), "A\xff\xfe", "no UTF-8")
	_, err = ts.TsUpper("a\x00b")
	check.same(errors.Is(err, rhodes.ErrValue), true, "a NUL inside")
	check.same(rhodes.String(must(ts.TsRepeat("ab", 3))), "ababab", "repeat")
	long := string(bytes.Repeat([]byte("x"), 20000))
	check.same(rhodes.String(must(ts.TsRepeat(long, 2))), long+long, "repeat a long text")
	check.same(must(ts.TsRepeat("abc", 1<<30)) == nil, true, "repeat too often")
	check.same(must(ts.TsParse("-42")), int64(-42), "parse")
	check.same(must(ts.TsParse("9223372036854775807")), int64(math.MaxInt64), "parse")
	wrong, err := ts.TsParse("4x")
	var raised *rhodes.RaisedError
	check.same(wrong == -1 && err == nil || errors.As(err, &raised), true, "no number")
}

func structs(ts *textstat.Client, check *checks) {
	span := textstat.TsSpan{Offset: 10, Length: 5}
	check.same(must(ts.TsEnd(span)), uint32(15), "end")
	result, moved, err := ts.TsShift(span, -3)
	check.same(must(result, err), int32(0), "shift")
	check.same(moved, textstat.TsSpan{Offset: 7, Length: 5}, "shift")
	result, _, err = ts.TsShift(span, -11)
	check.same(must(result, err), int32(-1), "shift too far")
}

func buffers(ts *textstat.Client, check *checks) {
	check.same(must(ts.TsHash(nil)), uint64(0xcbf29ce484222325), "hash")
	check.same(must(ts.TsHash([]byte("a"))), uint64(0xaf63dc4c8601ec8c), "hash")
	for _, size := range []int{0, 1, 383, 384, 385, 5000, 1 << 20, 64 << 20} {
		data, wanted := make([]byte, size), make([]byte, size)
		for i := range wanted {
			wanted[i] = byte(i)
		}
		check.same(must(ts.TsFill(data, math.MaxUint32)), int64(size), "fill")
		check.same(bytes.Equal(data, wanted), true, "bytes that came")
		check.same(must(ts.TsReverse(data)), int32(0), "reverse")
		for i, j := 0, size-1; i < j; i, j = i+1, j-1 {
			data[i], data[j] = data[j], data[i]
		}
		check.same(bytes.Equal(data, wanted), true, "bytes that went and came")
	}
	few := [8]byte{3: 9}
	check.same(must(ts.TsFill(few[:], 3)), int64(3), "fill a part")
	check.same(few, [8]byte{0, 1, 2, 9}, "fill a part")
}

func files(ts *textstat.Client, check *checks) {
	file := must(os.CreateTemp("", "textstat-"))
	defer file.Close()
	must(file.WriteString("12345"))
	must(file.Seek(0, 0))
	check.same(must(ts.TsDrain(int(file.Fd()))), int64(5), "drain")
	check.same(must(ts.TsFile(file.Name())), int64(5), "file")
	os.Remove(file.Name())
	check.same(must(ts.TsFile(file.Name())), int64(-1), "no file")
}

func objects(ts *textstat.Client, check *checks) {
	title := "notes"
	doc, other := must(ts.TsDocOpen(&title)), must(ts.TsDocOpen(nil))
	defer other.Close()
	check.same(rhodes.String(must(ts.TsDocTitle(doc))), title, "title")
	check.same(rhodes.String(must(ts.TsDocTitle(other))), "untitled", "no title")
	check.same(must(ts.TsDocAdd(doc, "one ")), int64(4), "add")
	check.same(must(ts.TsDocAdd(doc, "two\n")), int64(8), "add")
	_, counts, err := ts.TsDocCount(doc)
	check.same(must(counts, err).Words, uint64(2), "count of a doc")
	_, counts, err = ts.TsDocCount(other)
	check.same(must(counts, err).Bytes, uint64(0), "count of an empty doc")
	check.same(ts.TsDocClose(doc), nil, "close")
	_, err = ts.TsDocAdd(doc, "more")
	check.same(errors.Is(err, rhodes.ErrClosed), true, "an object that is closed")
}

func median(ts *textstat.Client) time.Duration {
	took := make([]time.Duration, calls)
	for i := range took {
		start := time.Now()
		must(ts.TsAdd(int32(i), 1))
		took[i] = time.Since(start)
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	return took[calls/2]
}

func main() {
	name := "text_go"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	ts, check := must(textstat.Open(name)), &checks{}
	for _, run := range []func(*textstat.Client, *checks){numbers, texts, structs, buffers, files, objects} {
		run(ts, check)
	}
	if check.missed > 0 {
		fmt.Printf("%d of %d checks failed\n", check.missed, check.count)
		os.Exit(1)
	}
	fmt.Printf("ok %d checks, p50 %d ns\n", check.count, median(ts).Nanoseconds())
}
