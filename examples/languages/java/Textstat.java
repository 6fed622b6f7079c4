import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import rhodes.Server;

/** textstat in Java: serves ../textstat.h.
 *
 *  <pre>rhodes serve -r text_java build/examples/languages/java/server.jar</pre>
 *
 *  Texts are byte[], as callers may have some that are no UTF-8. */
public final class Textstat {
    private static final int ENOENT = 2, EINVAL = 22, ERANGE = 34, EOVERFLOW = 75;
    private static final int REPEAT_MAX = 16 << 20;

    public record Counts(long bytes, long words, long lines, double meanWord) { }

    public record Span(int offset, int length) { } // u32, as bits

    public record Summary(Counts counts, Span longest, int[] letters, float share,
                          byte isAscii) { }

    public record Summarized(int result, Summary summary) { }

    public record Shifted(int result, Span span) { }

    public record Filled(long result, byte[] bytes) { }

    public record Counted(int result, Counts counts) { }

    /** What a handle stands for: any object. */
    public static final class Doc {
        private final byte[] title;
        private byte[] text = {};

        Doc(byte[] title) {
            this.title = title;
        }
    }

    private static <T> T failed(int errno, T result) {
        Server.setErrno(errno);
        return result;
    }

    public int tsAdd(int a, int b) {
        return a + b;
    }

    public long tsSum(byte a, int b, short c, int d, long e, long f) {
        return a + b + c + d + e + f;
    }

    public long tsMax(long a, long b) {
        return Long.compareUnsigned(a, b) > 0 ? a : b;
    }

    public double tsMean(double a, float b) {
        return (a + b) / 2;
    }

    public double tsSame(double value) {
        return value;
    }

    public int tsNext(int unit) {
        return unit >= 0 && unit <= 2 ? (unit + 1) % 3 : unit;
    }

    public long tsHash(byte[] bytes) {
        long hash = 0xcbf29ce484222325L;
        for (byte each : bytes)
            hash = (hash ^ each & 0xff) * 0x100000001b3L;
        return hash;
    }

    private static boolean isBlank(byte each) {
        return each >= 0 && each <= ' ';
    }

    /** The words in order: where each begins and how long it is. */
    private static java.util.List<Span> words(byte[] text) {
        java.util.List<Span> words = new java.util.ArrayList<>();
        int start = -1;
        for (int i = 0; i <= text.length; i++) {
            boolean isWord = i < text.length && !isBlank(text[i]);
            if (isWord && start < 0)
                start = i;
            if (!isWord && start >= 0)
                words.add(new Span(start, i - start));
            if (!isWord)
                start = -1;
        }
        return words;
    }

    public Counts tsCount(byte[] text) {
        java.util.List<Span> words = words(text);
        long lines = 0;
        for (byte each : text)
            lines += each == '\n' ? 1 : 0;
        double mean = words.stream().mapToInt(Span::length).average().orElse(Double.NaN);
        return new Counts(text.length, words.size(), lines, mean);
    }

    public long tsMeasure(byte[] text, int unit) {
        if (unit < 0 || unit > 2)
            return failed(EINVAL, -1L);
        Counts counts = tsCount(text == null ? new byte[0] : text);
        return unit == 0 ? counts.bytes : unit == 1 ? counts.words : counts.lines;
    }

    public Summarized tsSummarize(byte[] text) {
        int[] letters = new int[26];
        int all = 0;
        boolean isAscii = true;
        Span longest = new Span(0, 0);
        for (byte each : text) {
            int letter = (each | 0x20) - 'a';
            isAscii &= each >= 0;
            if (each >= 0 && letter >= 0 && letter < 26) {
                letters[letter]++;
                all++;
            }
        }
        for (Span word : words(text))
            longest = word.length > longest.length ? word : longest;
        float share = text.length == 0 ? 0 : (float) all / text.length;
        return new Summarized(0, new Summary(tsCount(text), longest, letters, share,
                (byte) (isAscii ? 1 : 0)));
    }

    public Summary tsLonger(Summary a, Summary b) {
        return Long.compareUnsigned(b.counts.bytes, a.counts.bytes) > 0 ? b : a;
    }

    public int tsEnd(Span span) {
        return span.offset + span.length;
    }

    public Shifted tsShift(Span span, int by) {
        long offset = Integer.toUnsignedLong(span.offset) + by;
        if (offset < 0 || offset > 0xffffffffL)
            return failed(ERANGE, new Shifted(-1, span));
        return new Shifted(0, new Span((int) offset, span.length));
    }

    public byte[] tsUpper(byte[] text) {
        byte[] upper = text.clone();
        for (int i = 0; i < upper.length; i++)
            upper[i] -= upper[i] >= 'a' && upper[i] <= 'z' ? 32 : 0;
        return upper;
    }

    public byte[] tsRepeat(byte[] text, long times) {
        if (text.length * times > REPEAT_MAX)
            return failed(EOVERFLOW, null);
        byte[] made = new byte[(int) (text.length * times)];
        for (int i = 0; i < made.length; i++)
            made[i] = text[i % text.length];
        return made;
    }

    public Filled tsReverse(byte[] bytes) {
        for (int i = 0, j = bytes.length - 1; i < j; i++, j--) {
            byte first = bytes[i];
            bytes[i] = bytes[j];
            bytes[j] = first;
        }
        return new Filled(0, bytes);
    }

    public Filled tsFill(long cap, long count) {
        byte[] bytes = new byte[(int) Math.min(cap, count)];
        for (int i = 0; i < bytes.length; i++)
            bytes[i] = (byte) i;
        return new Filled(bytes.length, bytes);
    }

    public long tsParse(byte[] text) {
        try {
            return Long.parseLong(new String(text, StandardCharsets.ISO_8859_1));
        } catch (NumberFormatException e) {
            return failed(EINVAL, -1L);
        }
    }

    private static long drain(String path) throws IOException {
        try (InputStream file = new FileInputStream(path)) {
            long size = 0;
            byte[] part = new byte[1 << 16];
            for (int length; (length = file.read(part)) > 0;)
                size += length;
            return size;
        }
    }

    public long tsDrain(int fd) throws IOException {
        return drain("/proc/self/fd/" + fd); // opened anew: Java has no stream over a number
    }

    public long tsFile(String path) {
        try {
            return drain(path);
        } catch (IOException e) {
            return failed(ENOENT, -1L);
        }
    }

    public Doc tsDocOpen(byte[] title) {
        return new Doc(title == null ? "untitled".getBytes(StandardCharsets.UTF_8) : title);
    }

    public void tsDocClose(Doc doc) {
        doc.text = new byte[0];
    }

    public long tsDocAdd(Doc doc, byte[] text) {
        synchronized (doc) {
            int old = doc.text.length;
            doc.text = java.util.Arrays.copyOf(doc.text, old + text.length);
            System.arraycopy(text, 0, doc.text, old, text.length);
            return doc.text.length;
        }
    }

    public Counted tsDocCount(Doc doc) {
        synchronized (doc) {
            return new Counted(0, tsCount(doc.text));
        }
    }

    public byte[] tsDocTitle(Doc doc) {
        return doc.title;
    }
}
