package kinds;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.fail;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import rhodes.Library;

/** What calls libkinds: a system has to be there, and this program in it. */
public abstract class KindsCase {
    static final Library LIB = Library.open("kinds");

    /** Arrays are equal when their elements are. */
    static void equal(Object wanted, Object got) {
        if (Objects.deepEquals(wanted, got))
            return;
        assertArrayEquals(new Object[] {wanted}, new Object[] {got}); // says where
        fail(wanted + " and " + got + " are of two types");
    }

    static Object call(MethodHandle handle, Object... arguments) throws Exception {
        try {
            return handle.invokeWithArguments(arguments);
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static Object call(String function, Object... arguments) throws Exception {
        return call(LIB.function(function), arguments);
    }

    static MethodHandle typed(String function, Class<?> result, Class<?>... parameters) {
        return LIB.function(function, MethodType.methodType(result, parameters));
    }

    /** A thousand threads with a call each, one after the other, and then all at once. */
    static void shortThreads() throws Exception {
        MethodHandle i32 = typed("i32", int.class, int.class);
        AtomicInteger sum = new AtomicInteger();
        Runnable call = () -> {
            try {
                sum.addAndGet((int) i32.invokeExact(1));
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        };
        for (int i = 0; i < 1000; i++) {
            Thread thread = new Thread(call);
            thread.start();
            thread.join();
        }
        equal(1000, sum.get());
        Thread[] all = new Thread[1000];
        for (int i = 0; i < all.length; i++) {
            all[i] = new Thread(call);
            all[i].start();
        }
        for (Thread thread : all)
            thread.join();
        equal(2000, sum.get());
    }
}
