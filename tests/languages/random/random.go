// Random calls textstat with random values from Go; README.md beside this.
//
//	random RESOURCE SEED ROUNDS FILE
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"rhodes"
	"strconv"

	"example/textstat"
)

const (
	numbers = 8 // times, in a round
	docs    = 3
	shown   = 24
	many    = 3 << 24
	large   = 1 << 20
)

var pieces = [8]string{"a", "Z", " ", "\n", "ß", "€", "😀", "\ufffd"}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

type values uint64

func (v *values) next() uint64 {
	*v += 0x9e3779b97f4a7c15
	return mix(uint64(*v))
}

func (v *values) below(n uint64) uint64 { return v.next() % n }

func (v *values) number(bits int) uint64 {
	all, top := uint64(math.MaxUint64)>>(64-bits), uint64(1)<<(bits-1)
	n := v.next() >> (64 - bits)
	n >>= v.below(uint64(bits))
	return n ^ [4]uint64{0, all, top, all ^ top}[v.below(4)]
}

func (v *values) real(exponent, mantissa int) uint64 {
	quiet, all := uint64(1)<<(mantissa-1), uint64(1)<<exponent-1
	sign, kind := v.below(2), v.below(8)
	m := v.next() >> (64 - mantissa)
	e := v.next() >> (64 - exponent)
	if kind <= 2 {
		e = all
	} else if kind <= 4 {
		e = 0
	}
	switch kind {
	case 0:
		m |= quiet
	case 1:
		m = m&^quiet | 1
	case 2, 4:
		m = 0
	}
	if exponent == 8 && e == all && m != 0 {
		m |= quiet
	}
	return sign<<(exponent+mantissa) | e<<mantissa | m
}

func (v *values) double() float64 { return math.Float64frombits(v.real(11, 52)) }

func (v *values) float() float32 { return math.Float32frombits(uint32(v.real(8, 23))) }

func (v *values) size() int {
	switch kind := v.below(16); {
	case kind == 0:
		return 0
	case kind <= 10:
		return int(v.below(33))
	case kind <= 12:
		return 380 + int(v.below(9))
	case kind <= 14:
		return int(v.below(2000))
	}
	return int(v.below(70000))
}

func (v *values) bytes(size int) []byte {
	made := make([]byte, (size+7)/8*8)
	for i := 0; i < size; i += 8 {
		binary.LittleEndian.PutUint64(made[i:], v.next())
	}
	return made[:size]
}

func (v *values) utf8() string {
	var text bytes.Buffer
	for _, c := range v.bytes(v.size()) {
		text.WriteString(pieces[c%8])
	}
	return text.String()
}

func letters(data []byte, of string) string {
	for i, c := range data {
		data[i] = of[c%16]
	}
	return string(data)
}

func (v *values) text() string {
	switch v.below(4) {
	case 0:
		return string(bytes.ReplaceAll(v.bytes(v.size()), []byte{0}, []byte{1}))
	case 1:
		return v.utf8()
	case 2:
		return letters(v.bytes(v.size()), "aeiouxyzQRS \n\t.~")
	}
	text := v.utf8()
	if text != "" {
		text = text[:len(text)-1]
	}
	return text
}

func (v *values) perhaps() *string {
	if v.below(4) == 0 {
		return nil
	}
	text := v.utf8()
	return &text
}

func (v *values) numeral() string {
	if v.below(4) == 0 {
		return v.text()
	}
	sign := [4]string{"", "-", "+", " "}[v.below(4)]
	return sign + letters(v.bytes(int(v.below(22))), "0123456789123456")
}

func (v *values) unit() uint32 {
	if v.below(2) != 0 {
		return uint32(v.below(4))
	}
	return uint32(v.number(32))
}

func (v *values) span() textstat.TsSpan {
	return textstat.TsSpan{Offset: uint32(v.number(32)), Length: uint32(v.number(32))}
}

func (v *values) summary() textstat.TsSummary {
	var one textstat.TsSummary
	one.Counts.Bytes, one.Counts.Words = v.number(64), v.number(64)
	one.Counts.Lines, one.Counts.MeanWord = v.number(64), v.double()
	one.Longest = v.span()
	for i := range one.Letters {
		one.Letters[i] = uint32(v.number(32))
	}
	one.Share, one.IsAscii = v.float(), int8(v.number(8))
	return one
}

func digestOf(data []byte) uint64 {
	all := uint64(len(data))
	for ; len(data) > 0; data = data[8:] {
		if len(data) < 8 {
			data = append(append(make([]byte, 0, 8), data...), make([]byte, 8-len(data))...)
		}
		all = mix(all ^ binary.LittleEndian.Uint64(data))
	}
	return all
}

// How values are printed.

func word(value any) string {
	switch of := value.(type) {
	case string:
		return of
	case uint8, int8, uint16, int16, uint32, int32, uint64, int64:
		return number(of)
	case float32:
		return number(math.Float32bits(of))
	case float64:
		return number(math.Float64bits(of))
	case []byte:
		return contents(of)
	case *string:
		if of == nil {
			return "null"
		}
		return contents([]byte(*of))
	case textstat.TsSpan:
		return word(of.Offset) + " " + word(of.Length)
	case textstat.TsSummary:
		counts := of.Counts
		return fmt.Sprintf("%016x %016x %016x %s %s", counts.Bytes, counts.Words, counts.Lines,
			word(counts.MeanWord), rest(of))
	}
	return counted(value.(textstat.TsCounts))
}

func number(value any) string {
	switch of := value.(type) {
	case uint8:
		return fmt.Sprintf("%02x", of)
	case int8:
		return fmt.Sprintf("%02x", uint8(of))
	case uint16:
		return fmt.Sprintf("%04x", of)
	case int16:
		return fmt.Sprintf("%04x", uint16(of))
	case uint32:
		return fmt.Sprintf("%08x", of)
	case int32:
		return fmt.Sprintf("%08x", uint32(of))
	case int64:
		return fmt.Sprintf("%016x", uint64(of))
	}
	return fmt.Sprintf("%016x", value)
}

func contents(data []byte) string {
	if len(data) <= shown {
		return fmt.Sprintf("%d:%x", len(data), data)
	}
	return fmt.Sprintf("%d:%x..%016x", len(data), data[:8], digestOf(data))
}

func mean(value float64) string {
	if math.IsNaN(value) {
		return "nan"
	}
	return word(value)
}

func counted(of textstat.TsCounts) string {
	return fmt.Sprintf("%016x %016x %016x %s", of.Bytes, of.Words, of.Lines, mean(of.MeanWord))
}

func rest(of textstat.TsSummary) string {
	line := word(of.Longest)
	for _, count := range of.Letters {
		line += " " + word(count)
	}
	return line + " " + word(of.Share) + " " + word(of.IsAscii)
}

type caller struct {
	*textstat.Client
	values
	name   string
	docs   [docs]*textstat.TsDoc
	errno  rhodes.Errno
	round  int
	calls  int
	digest uint64
}

func (c *caller) say(function string, words ...any) {
	line := strconv.Itoa(c.round) + " " + function
	for _, of := range words {
		line += " " + word(of)
	}
	c.digest = mix(c.digest ^ digestOf([]byte(line)))
	c.calls++
	fmt.Println(line)
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println("differs:", err)
		os.Exit(1)
	}
	return value
}

// failed is errno, when the call failed.
func (c *caller) failed(is bool) uint32 {
	if is {
		return uint32(c.errno)
	}
	return 0
}

func (c *caller) integers() {
	a, b := int32(c.number(32)), int32(c.number(32))
	i8, u8 := int8(c.number(8)), uint8(c.number(8))
	i16, u16 := int16(c.number(16)), uint16(c.number(16))
	u32, i64 := uint32(c.number(32)), int64(c.number(64))
	x, y := c.number(64), c.number(64)
	c.say("ts_add", a, b, "=", must(c.TsAdd(a, b)))
	c.say("ts_sum", i8, u8, i16, u16, u32, i64, "=", must(c.TsSum(i8, u8, i16, u16, u32, i64)))
	c.say("ts_max", x, y, "=", must(c.TsMax(x, y)))
}

func (c *caller) reals() {
	a, b, value := c.double(), c.float(), c.double()
	c.say("ts_mean", a, b, "=", mean(must(c.TsMean(a, b))))
	c.say("ts_same", value, "=", must(c.TsSame(value)))
}

func (c *caller) enum() {
	unit := c.unit()
	c.say("ts_next", unit, "=", must(c.TsNext(int32(unit))))
}

func (c *caller) structs() {
	one, two, by := c.span(), c.span(), int32(c.number(32))
	a, b := c.summary(), c.summary()
	if c.below(4) == 0 {
		b.Counts.Bytes = a.Counts.Bytes
	}
	c.say("ts_end", one, "=", must(c.TsEnd(one)))
	result, moved, err := c.TsShift(two, by)
	c.say("ts_shift", two, by, "=", must(result, err), c.failed(result != 0), moved)
	c.say("ts_longer", a, b, "=", must(c.TsLonger(a, b)))
}

func (c *caller) counts() {
	some, other, third, unit := c.text(), c.perhaps(), c.text(), c.unit()
	c.say("ts_count", &some, "=", must(c.TsCount(some)))
	measured := must(c.TsMeasure(other, int32(unit)))
	c.say("ts_measure", other, unit, "=", measured, c.failed(measured < 0))
	result, summary, err := c.TsSummarize(third)
	c.say("ts_summarize", &third, "=", must(result, err), summary.Counts, rest(summary))
	if _, err = c.TsCount(some + "\x00" + third); !errors.Is(err, rhodes.ErrValue) {
		must(0, fmt.Errorf("ts_count of a text with NUL: %w", err))
	}
}

func (c *caller) texts() {
	some, other, digits, times := c.text(), c.text(), c.numeral(), uint32(0)
	if c.below(4) != 0 {
		times = uint32(c.below(4))
	} else {
		times = uint32(c.number(32)) | many
	}
	c.say("ts_upper", &some, "=", must(c.TsUpper(some)))
	repeated := must(c.TsRepeat(other, times))
	c.say("ts_repeat", &other, times, "=", c.failed(repeated == nil), repeated)
	parsed := must(c.TsParse(digits))
	c.say("ts_parse", &digits, "=", parsed, c.failed(parsed == -1))
}

func (c *caller) buffers() {
	hashed, filled, count := c.bytes(c.size()), make([]byte, c.size()), uint32(c.number(32))
	c.say("ts_hash", hashed, "=", must(c.TsHash(hashed)))
	got := must(c.TsFill(filled, count))
	c.say("ts_fill", uint32(len(filled)), count, "=", got, filled[:got])
	if len(bytes.Trim(filled[got:], "\x00")) > 0 {
		must(0, errors.New("ts_fill writes more than it says"))
	}
	size := 0
	if c.round == 0 {
		size = large + int(c.below(1000))
	} else {
		size = c.size()
	}
	turned := c.bytes(size)
	before := word(turned)
	c.say("ts_reverse", before, "=", must(c.TsReverse(turned)), turned)
}

func (c *caller) files() {
	data := c.bytes(c.size())
	must(0, os.WriteFile(c.name, data, 0o600))
	file := must(os.Open(c.name))
	defer file.Close()
	c.say("ts_drain, ts_file", data, "=", must(c.TsDrain(int(file.Fd()))),
		must(c.TsFile(c.name)), must(c.TsFile(c.name+".none")))
}

func (c *caller) use(slot uint64) {
	doc := c.docs[slot]
	switch c.below(4) {
	case 0:
		result, counts, err := c.TsDocCount(doc)
		c.say("ts_doc_count", fmt.Sprint(slot), "=", must(result, err), counts)
	case 1:
		must(0, c.TsDocClose(doc))
		c.docs[slot] = nil
	default:
		text := c.text()
		c.say("ts_doc_add", fmt.Sprint(slot), &text, "=", must(c.TsDocAdd(doc, text)))
	}
}

func (c *caller) objects() {
	for i := 0; i < 4; i++ {
		slot := c.below(docs)
		if c.docs[slot] != nil {
			c.use(slot)
			continue
		}
		title := c.perhaps()
		c.docs[slot] = must(c.TsDocOpen(title))
		c.say("ts_doc_open", fmt.Sprint(slot), title, "=", must(c.TsDocTitle(c.docs[slot])))
	}
}

func main() {
	rounds := must(strconv.Atoi(os.Args[3]))
	c := &caller{values: values(must(strconv.ParseUint(os.Args[2], 10, 64))), name: os.Args[4]}
	c.Client = must(textstat.Open(os.Args[1])).WithErrno(&c.errno)
	for ; c.round < rounds; c.round++ {
		for i := 0; i < numbers; i++ {
			c.integers()
			c.reals()
			c.enum()
		}
		for _, part := range []func(){c.structs, c.counts, c.texts, c.buffers, c.files, c.objects} {
			part()
		}
	}
	fmt.Printf("ok %d calls, digest %016x\n", c.calls, c.digest)
}
