import static java.lang.invoke.MethodType.methodType;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import rhodes.Handle;
import rhodes.Library;

/** Every function of textstat, called from Java.
 *
 *  <pre>rhodes run texts_java -- java -jar build/examples/languages/java/caller.jar text_java</pre>
 *
 *  Prints "ok N checks, p50 N ns" and ends with 0; or what differs, and 1. */
public final class TextCaller {
    private static final int CALLS = 20000, EINVAL = 22;
    private static String resource = "textstat";
    private static int checks, misses;

    /** Opened when main has read the resource's name. */
    private static final class Opened {
        static final Library LIB = Library.open(resource);
        static final MethodHandle ADD = LIB.function("ts_add",
                methodType(int.class, int.class, int.class));
    }

    record Counts(long bytes, long words, long lines, double meanWord) { }

    record Span(long offset, long length) { }

    record Summary(Counts counts, Span longest, int[] letters, float share, boolean isAscii) { }

    record Summarized(int result, Summary summary) { }

    record Shifted(int result, Span span) { }

    record Bytes(long result, byte[] bytes) { }

    record Counted(int result, Counts counts) { }

    private TextCaller() {
    }

    private static Object typed(String name, MethodType type, Object... values) throws Throwable {
        return Opened.LIB.function(name, type).invokeWithArguments(values);
    }

    private static Object call(String name, Object... values) throws Throwable {
        return Opened.LIB.function(name).invokeWithArguments(values);
    }

    private static void same(Object wanted, Object got, String what) {
        checks++;
        if (!Objects.deepEquals(wanted, got)) {
            misses++;
            System.out.println("differs: " + what + ": " + got + " is not " + wanted);
        }
    }

    private static void numbers() throws Throwable {
        same(5, (int) Opened.ADD.invokeExact(2, 3), "add");
        same(Integer.MIN_VALUE, (int) Opened.ADD.invokeExact(Integer.MAX_VALUE, 1), "add");
        same(-128 + 255 - 32768 + 65535 + 4294967295L - 1, call("ts_sum", (byte) -128, 255,
                (short) -32768, 65535, 4294967295L, -1L), "sum");
        same(-1L, call("ts_max", -1L, 1L), "max");
        same(1.875, call("ts_mean", 1.5, 2.25f), "mean");
        same(0x7ff8000000001234L, Double.doubleToRawLongBits((double) call("ts_same",
                Double.longBitsToDouble(0x7ff8000000001234L))), "a NaN");
        same(1, call("ts_next", 0), "next");
        same(77, call("ts_next", 77), "next");
    }

    private static void texts() throws Throwable {
        MethodType count = methodType(Counts.class, String.class);
        same(new Counts(19, 4, 1, 3.75), typed("ts_count", count, "one two  three\nfour"), "count");
        same(true, Double.isNaN(((Counts) typed("ts_count", count, "")).meanWord()), "no words");
        same(2L, call("ts_measure", "a b\n", 1), "measure");
        same(0L, call("ts_measure", null, 0), "measure");
        same(-1L, call("ts_measure", "a", 9), "measure");
        same(EINVAL, Library.errno(), "errno");
        Summary summary = ((Summarized) typed("ts_summarize", methodType(Summarized.class,
                String.class), "Hello, wonderful world")).summary();
        same(new Span(7, 9), summary.longest(), "longest");
        same(4, summary.letters()[11], "letters");
        same(true, Math.abs(summary.share() - 19 / 22f) < 1e-6 && summary.isAscii(), "share");
        same(summary.longest(), ((Summary) typed("ts_longer", methodType(Summary.class,
                Summary.class, Summary.class), summary, summary)).longest(), "longer");
        same("STRA\u00dfE", call("ts_upper", "Stra\u00dfe"), "upper");
        byte[] raw = {'a', -1, -2};
        same(new byte[] {'A', -1, -2}, typed("ts_upper", methodType(byte[].class, byte[].class),
                raw), "upper");
        same("ababab", call("ts_repeat", "ab", 3L), "repeat");
        same(null, call("ts_repeat", "abc", 1L << 30), "repeat");
        same(Long.MAX_VALUE, call("ts_parse", "9223372036854775807"), "parse");
        same(-1L, call("ts_parse", "4x"), "parse");
        same(EINVAL, Library.errno(), "errno");
    }

    private static void structs() throws Throwable {
        same(15L, typed("ts_end", methodType(long.class, Span.class), new Span(10, 5)), "end");
        MethodType shift = methodType(Shifted.class, Span.class, int.class);
        same(new Shifted(0, new Span(7, 5)), typed("ts_shift", shift, new Span(10, 5), -3), "shift");
        same(-1, ((Shifted) typed("ts_shift", shift, new Span(7, 5), -8)).result(), "shift");
    }

    private static void bytes() throws Throwable {
        same(0xcbf29ce484222325L, call("ts_hash", new byte[0]), "hash");
        same(0xaf63dc4c8601ec8cL, call("ts_hash", new byte[] {'a'}), "hash");
        for (int size : new int[] {0, 1, 383, 384, 385, 5000, 1 << 20, 64 << 20}) {
            Bytes filled = (Bytes) typed("ts_fill", methodType(Bytes.class, long.class, long.class),
                    (long) size, 0xffffffffL);
            same((long) size, filled.result(), "fill");
            byte[] turned = filled.bytes().clone();
            same(0, typed("ts_reverse", methodType(int.class, byte[].class), turned), "reverse");
            same(size == 0 ? 0 : (byte) (size - 1), size == 0 ? 0 : turned[0], "reversed");
        }
        byte[] few = new byte[8];
        same(3L, typed("ts_fill", methodType(long.class, byte[].class, long.class), few, 3L),
                "fill");
        same(new byte[] {0, 1, 2, 0, 0, 0, 0, 0}, few, "filled");
    }

    private static void files() throws Throwable {
        Path file = Files.write(Files.createTempFile("textstat", ""),
                "12345".getBytes(StandardCharsets.US_ASCII));
        same(5L, call("ts_file", file.toString()), "file");
        Files.delete(file);
        same(-1L, call("ts_file", file.toString()), "no file");
    }

    private static void handles() throws Throwable {
        try (Handle doc = (Handle) call("ts_doc_open", "notes");
                Handle other = (Handle) call("ts_doc_open", (Object) null)) {
            same("notes", call("ts_doc_title", doc), "title");
            same("untitled", call("ts_doc_title", other), "title");
            same(4L, call("ts_doc_add", doc, "one "), "add");
            same(8L, call("ts_doc_add", doc, "two\n"), "add");
            Counts counts = ((Counted) typed("ts_doc_count", methodType(Counted.class,
                    Handle.class), doc)).counts();
            same(new Counts(8, 2, 1, 3), counts, "counts");
        }
    }

    private static long median() throws Throwable {
        long[] took = new long[CALLS];
        for (int round = 0; round < 5; round++) { // the last one counts
            for (int i = 0; i < CALLS; i++) {
                long start = System.nanoTime();
                if ((int) Opened.ADD.invokeExact(i, 1) != i + 1)
                    throw new AssertionError();
                took[i] = System.nanoTime() - start;
            }
        }
        Arrays.sort(took);
        return took[CALLS / 2];
    }

    public static void main(String[] arguments) throws Throwable {
        if (arguments.length > 0)
            resource = arguments[0];
        numbers();
        texts();
        structs();
        bytes();
        files();
        handles();
        if (misses > 0) {
            System.out.println(misses + " of " + checks + " checks failed");
            System.exit(1);
        }
        System.out.println("ok " + checks + " checks, p50 " + median() + " ns");
    }
}
