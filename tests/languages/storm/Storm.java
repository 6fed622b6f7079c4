import static java.lang.invoke.MethodType.methodType;

import java.lang.invoke.MethodHandle;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import rhodes.Handle;
import rhodes.Library;
import rhodes.RhodesLostError;

/** Many threads call while their callee is killed again and again; storm_test.py drives it.
 *
 *  <pre>Storm RESOURCE THREADS</pre>
 *
 *  Prints "started" when each thread has called once, calls until standard input ends, and
 *  then "ok N lost N", or what went wrong and 1. */
public final class Storm {
    private static final AtomicInteger CALLS = new AtomicInteger(), LOST = new AtomicInteger();
    private static final Queue<String> WRONG = new ConcurrentLinkedQueue<>();
    private static volatile boolean ends;

    private final MethodHandle add, repeat, open, append, title;

    private Storm(Library lib) {
        add = lib.function("ts_add", methodType(int.class, int.class, int.class));
        repeat = lib.function("ts_repeat", methodType(String.class, String.class, int.class));
        open = lib.function("ts_doc_open", methodType(Handle.class, String.class));
        append = lib.function("ts_doc_add", methodType(long.class, Handle.class, String.class));
        title = lib.function("ts_doc_title", methodType(String.class, Handle.class));
    }

    private static void same(Object wanted, Object got) {
        if (!wanted.equals(got))
            WRONG.add(got + " is not " + wanted);
    }

    private void round(int number, Handle kept) throws Throwable {
        same(number + 1, (int) add.invokeExact(number, 1));
        same("ab".repeat(500), (String) repeat.invokeExact("ab", 500));
        try (Handle doc = (Handle) open.invokeExact("storm")) {
            same(4L, (long) append.invokeExact(doc, "four"));
            same("storm", (String) title.invokeExact(doc));
        }
        long size = (long) append.invokeExact(kept, "x");
    }

    private Handle openAgain() throws Throwable {
        while (true) {
            try {
                return (Handle) open.invokeExact("kept");
            } catch (RhodesLostError e) {
                LOST.incrementAndGet();
            }
        }
    }

    private void run(CountDownLatch started) {
        try {
            Handle kept = openAgain();
            started.countDown();
            for (int number = 0; !ends; number++) {
                CALLS.incrementAndGet();
                try {
                    round(number, kept);
                } catch (RhodesLostError e) {
                    LOST.incrementAndGet();
                    kept.close();
                    kept = openAgain();
                }
            }
            kept.close();
            same(9, (int) add.invokeExact(4, 5));
        } catch (Throwable e) {
            WRONG.add(e.toString());
            started.countDown();
        }
    }

    public static void main(String[] args) throws Exception {
        Storm storm = new Storm(Library.open(args[0]));
        Thread[] threads = new Thread[Integer.parseInt(args[1])];
        CountDownLatch started = new CountDownLatch(threads.length);
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> storm.run(started));
            threads[i].start();
        }
        started.await();
        System.out.println("started");
        System.in.readAllBytes();
        ends = true;
        for (Thread thread : threads)
            thread.join();
        WRONG.forEach(System.out::println);
        if (!WRONG.isEmpty())
            System.exit(1);
        System.out.printf("ok %d lost %d%n", CALLS.get(), LOST.get());
    }
}
