package kinds;

import java.lang.invoke.MethodHandle;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.Test;

public class ThreadTest extends KindsCase {
    private static void together(int threads, Callable<?> part) throws Exception {
        AtomicReference<Throwable> wrong = new AtomicReference<>();
        Thread[] all = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            all[i] = new Thread(() -> {
                try {
                    part.call();
                } catch (Throwable e) {
                    wrong.set(e);
                }
            });
            all[i].start();
        }
        for (Thread thread : all)
            thread.join();
        if (wrong.get() != null)
            throw new AssertionError(wrong.get());
    }

    @Test
    public void threads() throws Exception {
        MethodHandle i32 = typed("i32", int.class, int.class);
        MethodHandle text = typed("text", String.class, String.class);
        AtomicInteger next = new AtomicInteger();
        together(64, () -> {
            for (int i = 0; i < 200; i++) {
                int number = next.getAndIncrement();
                equal(number, call(i32, number));
                equal("n" + number, call(text, "n" + number));
            }
            return null;
        });
        equal(64 * 200, next.get());
    }

    /** Each gets a page of its own and gives it back. */
    @Test
    public void threadsOfOneCall() throws Exception {
        shortThreads();
    }
}
