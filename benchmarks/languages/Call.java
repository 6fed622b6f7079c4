import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.util.Arrays;

/** ts_add from Java, timed as call.h does: `rhodes` by the SDK, `native` by a native method that
 *  the agent rewrites, `jni` by a native method of JNI in this process (LIBRARY: its own), `jna`
 *  by JNA (LIBRARY: textstat's).
 *
 *  <pre>Call WHAT CALLS [LIBRARY]</pre> */
public final class Call {
    private static final int BATCH = 64, WARM = 100_000;

    interface Add {
        int add(int a, int b) throws Throwable;
    }

    static final class ByRhodes {
        static final MethodHandle ADD = rhodes.Library.open("textstat").function("ts_add",
                MethodType.methodType(int.class, int.class, int.class));
    }

    static final class ByNative {
        static {
            System.loadLibrary("textstat");
        }

        static native int tsAdd(int a, int b);
    }

    static final class ByJni {
        static native int add(int a, int b);
    }

    interface ByJna extends com.sun.jna.Library {
        int ts_add(int a, int b);
    }

    private Call() {
    }

    /** Not timed: until it is compiled, which takes a JVM more calls than others. */
    private static void check(Add add) throws Throwable {
        for (int i = 0; i < WARM; i++) {
            if (add.add(i, 1) != i + 1)
                throw new IllegalStateException("ts_add(" + i + ", 1) is not " + (i + 1));
        }
    }

    private static void measure(Add add, int calls) throws Throwable {
        long[] took = new long[calls];
        double[] batches = new double[calls / BATCH];
        check(add);
        for (int i = 0; i < calls; i++) {
            long began = System.nanoTime();
            add.add(i, 1);
            took[i] = System.nanoTime() - began;
        }
        for (int i = 0; i < batches.length; i++) {
            long began = System.nanoTime();
            for (int j = 0; j < BATCH; j++)
                add.add(j, 1);
            batches[i] = (System.nanoTime() - began) / (double) BATCH;
        }
        Arrays.sort(took);
        Arrays.sort(batches);
        System.out.printf("{\"p50\": %d, \"p99\": %d, \"batch\": %.2f}%n", took[calls / 2],
                took[calls / 100 * 99], batches[batches.length / 2]);
    }

    public static void main(String[] words) throws Throwable {
        int calls = Integer.parseInt(words[1]);
        switch (words[0]) {
        case "rhodes" -> measure((a, b) -> (int) ByRhodes.ADD.invokeExact(a, b), calls);
        case "native" -> measure(ByNative::tsAdd, calls);
        case "jna" -> measure(com.sun.jna.Native.load(words[2], ByJna.class)::ts_add, calls);
        default -> {
            System.load(words[2]);
            measure(ByJni::add, calls);
        }
        }
    }
}
