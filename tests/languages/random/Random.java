import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import rhodes.Handle;
import rhodes.Library;

/** textstat with random values, called from Java; README.md beside this.
 *
 *  <pre>java -cp rhodes.jar:random.jar Random RESOURCE SEED ROUNDS FILE</pre> */
public final class Random {
    private static final int NUMBERS = 8; // times, in a round
    private static final int DOCS = 3, SHOWN = 24, MANY = 3 << 24, LARGE = 1 << 20;
    private static final String[] PIECES = {"a", "Z", " ", "\n", "\u00df", "\u20ac",
        "\ud83d\ude00", "\ufffd"};

    record Counts(long bytes, long words, long lines, double meanWord) { }

    record Span(int offset, int length) { } // u32, as bits

    record Summary(Counts counts, Span longest, int[] letters, float share, byte isAscii) { }

    record Summarized(int result, Summary summary) { }

    record Shifted(int result, Span span) { }

    record Counted(int result, Counts counts) { }

    /** textstat; unsigned numbers are bits of their size. */
    interface Textstat {
        int tsAdd(int a, int b);

        long tsSum(byte a, byte b, short c, short d, int e, long f);

        long tsMax(long a, long b);

        double tsMean(double a, float b);

        double tsSame(double value);

        int tsNext(int unit);

        int tsEnd(Span span);

        Shifted tsShift(Span span, int by);

        Summary tsLonger(Summary a, Summary b);

        Counts tsCount(byte[] text);

        long tsMeasure(byte[] text, int unit);

        Summarized tsSummarize(byte[] text);

        byte[] tsUpper(byte[] text);

        byte[] tsRepeat(byte[] text, int times);

        long tsParse(byte[] text);

        long tsHash(byte[] bytes);

        long tsFill(byte[] bytes, int count);

        int tsReverse(byte[] bytes);

        long tsDrain(int fd);

        long tsFile(String path);

        Handle tsDocOpen(byte[] title);

        long tsDocAdd(Handle doc, byte[] text);

        Counted tsDocCount(Handle doc);

        byte[] tsDocTitle(Handle doc);
    }

    private final Textstat ts;
    private final Path file;
    private final Handle[] docs = new Handle[DOCS];
    private long state, digest;
    private int round, calls;

    private Random(String resource, long seed, String file) {
        ts = Library.open(resource).as(Textstat.class);
        state = seed;
        this.file = Path.of(file);
    }

    // Values.

    private static long mix(long z) {
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    private long next() {
        state += 0x9e3779b97f4a7c15L;
        return mix(state);
    }

    private int below(int n) {
        return (int) Long.remainderUnsigned(next(), n);
    }

    private long number(int bits) {
        long all = -1L >>> 64 - bits, top = 1L << bits - 1;
        long n = next() >>> 64 - bits;
        n >>>= below(bits);
        return n ^ new long[] {0, all, top, all ^ top}[below(4)];
    }

    private long real(int exponent, int mantissa) {
        long quiet = 1L << mantissa - 1, all = (1L << exponent) - 1;
        long sign = below(2), kind = below(8);
        long m = next() >>> 64 - mantissa, e = next() >>> 64 - exponent;
        e = kind <= 2 ? all : kind <= 4 ? 0 : e;
        if (kind == 0)
            m |= quiet;
        else if (kind == 1)
            m = m & ~quiet | 1;
        else if (kind == 2 || kind == 4)
            m = 0;
        if (exponent == 8 && e == all && m != 0)
            m |= quiet;
        return sign << exponent + mantissa | e << mantissa | m;
    }

    private double real64() {
        return Double.longBitsToDouble(real(11, 52));
    }

    private float real32() {
        return Float.intBitsToFloat((int) real(8, 23));
    }

    private int size() {
        int kind = below(16);
        return kind == 0 ? 0 : kind <= 10 ? below(33) : kind <= 12 ? 380 + below(9)
                : kind <= 14 ? below(2000) : below(70000);
    }

    private byte[] bytes(int size) {
        ByteBuffer made = ByteBuffer.allocate(size + 7 & ~7).order(ByteOrder.LITTLE_ENDIAN);
        while (made.hasRemaining())
            made.putLong(next());
        return Arrays.copyOf(made.array(), size);
    }

    private byte[] utf8() {
        StringBuilder text = new StringBuilder();
        for (byte each : bytes(size()))
            text.append(PIECES[each & 7]);
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] letters(byte[] bytes, String of) {
        for (int i = 0; i < bytes.length; i++)
            bytes[i] = (byte) of.charAt(bytes[i] & 15);
        return bytes;
    }

    private byte[] text() {
        int kind = below(4);
        if (kind == 2)
            return letters(bytes(size()), "aeiouxyzQRS \n\t.~");
        if (kind != 0) {
            byte[] text = utf8();
            return kind == 1 || text.length == 0 ? text : Arrays.copyOf(text, text.length - 1);
        }
        byte[] text = bytes(size());
        for (int i = 0; i < text.length; i++)
            text[i] = text[i] == 0 ? 1 : text[i];
        return text;
    }

    private byte[] perhaps() {
        return below(4) == 0 ? null : utf8();
    }

    private byte[] numeral() {
        if (below(4) == 0)
            return text();
        String sign = List.of("", "-", "+", " ").get(below(4));
        return (sign + new String(letters(bytes(below(22)), "0123456789123456"),
                StandardCharsets.US_ASCII)).getBytes(StandardCharsets.US_ASCII);
    }

    private int unit() {
        return below(2) != 0 ? below(4) : (int) number(32);
    }

    private Span span() {
        return new Span((int) number(32), (int) number(32));
    }

    private Summary summary() {
        Counts counts = new Counts(number(64), number(64), number(64), real64());
        Span longest = span();
        int[] letters = new int[26];
        for (int i = 0; i < letters.length; i++)
            letters[i] = (int) number(32);
        return new Summary(counts, longest, letters, real32(), (byte) number(8));
    }

    // Lines.

    private static long digestOf(byte[] data) {
        ByteBuffer words = ByteBuffer.wrap(Arrays.copyOf(data, data.length + 7 & ~7))
                .order(ByteOrder.LITTLE_ENDIAN);
        long all = data.length;
        while (words.hasRemaining())
            all = mix(all ^ words.getLong());
        return all;
    }

    private static String contents(byte[] data) {
        String start = data.length + ":";
        return data.length <= SHOWN ? start + HexFormat.of().formatHex(data)
                : start + HexFormat.of().formatHex(data, 0, 8) + ".." + word(digestOf(data));
    }

    private static String mean(double value) {
        return Double.isNaN(value) ? "nan" : word(value);
    }

    private static String rest(Summary of) {
        StringBuilder line = new StringBuilder(word(of.longest));
        for (int count : of.letters)
            line.append(' ').append(word(count));
        return line + " " + word(of.share) + " " + word(of.isAscii);
    }

    private static String exact(Counts of) {
        return word(of.bytes) + " " + word(of.words) + " " + word(of.lines) + " ";
    }

    private static String word(Object value) {
        HexFormat hex = HexFormat.of();
        return value == null ? "null"
                : value instanceof Byte of ? hex.toHexDigits(of)
                : value instanceof Short of ? hex.toHexDigits(of)
                : value instanceof Integer of ? hex.toHexDigits(of)
                : value instanceof Long of ? hex.toHexDigits(of)
                : value instanceof Float of ? hex.toHexDigits(Float.floatToRawIntBits(of))
                : value instanceof Double of ? hex.toHexDigits(Double.doubleToRawLongBits(of))
                : value instanceof byte[] of ? contents(of)
                : value instanceof Span of ? word(of.offset) + " " + word(of.length)
                : value instanceof Counts of ? exact(of) + mean(of.meanWord)
                : value instanceof Summary of ? exact(of.counts) + word(of.counts.meanWord) + " "
                        + rest(of)
                : (String) value;
    }

    private void say(String function, Object... words) {
        StringBuilder line = new StringBuilder(round + " " + function);
        for (Object word : words)
            line.append(' ').append(word(word));
        digest = mix(digest ^ digestOf(line.toString().getBytes(StandardCharsets.US_ASCII)));
        calls++;
        System.out.println(line);
    }

    private static int failed(boolean is) {
        return is ? Library.errno() : 0;
    }

    // Calls.

    private void integers() {
        int a = (int) number(32), b = (int) number(32);
        byte i8 = (byte) number(8), u8 = (byte) number(8);
        short i16 = (short) number(16), u16 = (short) number(16);
        int u32 = (int) number(32);
        long i64 = number(64), x = number(64), y = number(64);
        say("ts_add", a, b, "=", ts.tsAdd(a, b));
        say("ts_sum", i8, u8, i16, u16, u32, i64, "=", ts.tsSum(i8, u8, i16, u16, u32, i64));
        say("ts_max", x, y, "=", ts.tsMax(x, y));
    }

    private void reals() {
        double a = real64();
        float b = real32();
        double value = real64();
        say("ts_mean", a, b, "=", mean(ts.tsMean(a, b)));
        say("ts_same", value, "=", ts.tsSame(value));
    }

    private void units() {
        int unit = unit();
        say("ts_next", unit, "=", ts.tsNext(unit));
    }

    private void structs() {
        Span one = span(), two = span();
        int by = (int) number(32);
        Summary a = summary(), b = summary();
        if (below(4) == 0)
            b = new Summary(new Counts(a.counts.bytes, b.counts.words, b.counts.lines,
                    b.counts.meanWord), b.longest, b.letters, b.share, b.isAscii);
        say("ts_end", one, "=", ts.tsEnd(one));
        Shifted moved = ts.tsShift(two, by);
        say("ts_shift", two, by, "=", moved.result, failed(moved.result != 0), moved.span);
        say("ts_longer", a, b, "=", ts.tsLonger(a, b));
    }

    private void counts() {
        byte[] some = text(), other = perhaps(), third = text();
        int unit = unit();
        say("ts_count", some, "=", ts.tsCount(some));
        long measured = ts.tsMeasure(other, unit);
        say("ts_measure", other, unit, "=", measured, failed(measured < 0));
        Summarized summed = ts.tsSummarize(third);
        say("ts_summarize", third, "=", summed.result, summed.summary.counts,
                rest(summed.summary));
        byte[] withNul = Arrays.copyOf(some, some.length + 1 + third.length);
        System.arraycopy(third, 0, withNul, some.length + 1, third.length);
        try {
            ts.tsCount(withNul);
            throw new AssertionError("a text with NUL is counted");
        } catch (IllegalArgumentException e) {
            return; // told before anything is sent
        }
    }

    private void texts() {
        byte[] some = text(), other = text(), digits = numeral();
        int times = below(4) != 0 ? below(4) : (int) number(32) | MANY;
        say("ts_upper", some, "=", ts.tsUpper(some));
        byte[] repeated = ts.tsRepeat(other, times);
        say("ts_repeat", other, times, "=", failed(repeated == null), repeated);
        long parsed = ts.tsParse(digits);
        say("ts_parse", digits, "=", parsed, failed(parsed == -1));
    }

    private void buffers() {
        byte[] hashed = bytes(size()), filled = new byte[size()];
        int count = (int) number(32);
        say("ts_hash", hashed, "=", ts.tsHash(hashed));
        int got = (int) ts.tsFill(filled, count);
        say("ts_fill", filled.length, count, "=", (long) got, Arrays.copyOf(filled, got));
        for (int i = got; i < filled.length; i++)
            if (filled[i] != 0)
                throw new AssertionError("ts_fill writes more than it says");
        byte[] before = bytes(round > 0 ? size() : LARGE + below(1000)), turned = before.clone();
        int result = ts.tsReverse(turned);
        say("ts_reverse", before, "=", result, turned);
    }

    /** The descriptor of an open file, which Java does not tell. */
    private int descriptor() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(fd -> {
                try {
                    return Files.readSymbolicLink(fd).equals(file.toAbsolutePath());
                } catch (IOException e) {
                    return false; // one that was closed meanwhile
                }
            }).mapToInt(fd -> Integer.parseInt(fd.getFileName().toString())).findAny()
                    .getAsInt();
        }
    }

    private void files() throws IOException {
        byte[] data = bytes(size());
        Files.write(file, data);
        FileInputStream open = new FileInputStream(file.toFile());
        long drained = ts.tsDrain(descriptor());
        open.close();
        say("ts_drain, ts_file", data, "=", drained, ts.tsFile(file.toString()),
                ts.tsFile(file + ".none"));
    }

    private void use(int slot) {
        switch (below(4)) {
            case 0 -> {
                Counted counted = ts.tsDocCount(docs[slot]);
                say("ts_doc_count", "" + slot, "=", counted.result, counted.counts);
            }
            case 1 -> {
                docs[slot].close();
                docs[slot] = null;
            }
            default -> {
                byte[] text = text();
                say("ts_doc_add", "" + slot, text, "=", ts.tsDocAdd(docs[slot], text));
            }
        }
    }

    private void objects() {
        for (int i = 0; i < 4; i++) {
            int slot = below(DOCS);
            if (docs[slot] != null) {
                use(slot);
                continue;
            }
            byte[] title = perhaps();
            docs[slot] = ts.tsDocOpen(title);
            say("ts_doc_open", "" + slot, title, "=", ts.tsDocTitle(docs[slot]));
        }
    }

    private void run(int rounds) throws IOException {
        for (; round < rounds; round++) {
            for (int i = 0; i < NUMBERS; i++) {
                integers();
                reals();
                units();
            }
            structs();
            counts();
            texts();
            buffers();
            files();
            objects();
        }
        System.out.println("ok " + calls + " calls, digest " + word(digest));
    }

    public static void main(String[] words) throws IOException {
        new Random(words[0], Long.parseUnsignedLong(words[1]), words[3])
                .run(Integer.parseInt(words[2]));
    }
}
