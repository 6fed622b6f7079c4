package kinds;

import static org.junit.Assert.assertThrows;

import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.Test;
import rhodes.Library;
import rhodes.RhodesInterfaceError;

public class BytesTest extends KindsCase {
    @Test
    public void bytes() throws Exception {
        byte[] some = new byte[1000];
        new Random(1).nextBytes(some);
        long sum = 0;
        for (byte each : some)
            sum += each & 0xff;
        equal(0L, call("sum", new byte[0]));
        equal(sum, call("sum", some));
        MethodHandle buffer = typed("sum", long.class, ByteBuffer.class);
        ByteBuffer direct = ByteBuffer.allocateDirect(1010).position(10);
        direct.put(some).position(10);
        equal(sum, call(buffer, direct));
        equal(sum, call(buffer, ByteBuffer.wrap(some)));
        MethodHandle told = typed("sum", long.class, byte[].class, long.class);
        equal(some[0] & 0xffL, call(told, some, 1L));
        assertThrows(IndexOutOfBoundsException.class, () -> call(told, some, 1001L));
        assertThrows(IndexOutOfBoundsException.class, () -> call(told, some, -1L));
        equal(6L, call(typed("sum32", long.class, int[].class), new int[] {1, 2, 3}));
        equal(new Object[] {2, new byte[] {3, 0}}, call("kinds_raise", new byte[] {2, -1}));
        MethodHandle raise = typed("kinds_raise", int.class, byte[].class);
        byte[] own = {1, 2};
        equal(2, call(raise, own));
        equal(new byte[] {2, 3}, own);
        call(typed("lower", void.class, byte[].class), own); // what comes out is not lost
        equal(new byte[] {1, 2}, own);
        call(typed("lower", void.class, ByteBuffer.class), ByteBuffer.wrap(own));
        equal(new byte[] {0, 1}, own);
        call(typed("lower", void.class, byte[].class, long.class), own, 1L);
        equal(new byte[] {-1, 1}, own);
        equal(new byte[] {-2, 0}, call("lower", own));
        equal(new byte[] {-1, 1}, own);
        equal(new byte[] {3, 1, 4}, call("peek", 3L));
        equal(new byte[] {3, 1, 4, 1, 5}, call("peek", 99L));
    }

    @Test
    public void room() throws Exception {
        equal(new Object[] {5, "hello".getBytes()}, call("fill", "hello", 10L));
        equal(new Object[] {5, "he".getBytes()}, call("fill", "hello", 2L));
        MethodHandle fill = typed("fill", int.class, String.class, byte[].class, long[].class);
        byte[] room = new byte[3];
        long[] used = new long[1];
        equal(5, call(fill, "hello", room, used));
        equal("hel", new String(room));
        equal(3L, used[0]);
        equal(new Object[] {2L, new byte[] {0, 1}}, call("read", 3L));
        equal(new Object[] {-1L, new byte[0]}, call("read", 0L));
        equal(22, Library.errno());
        byte[] read = new byte[5];
        equal(4L, call(typed("read", long.class, byte[].class), read));
        equal(new byte[] {0, 1, 2, 3, 0}, read);
        ByteBuffer direct = ByteBuffer.allocateDirect(4);
        equal(3L, call(typed("read", long.class, ByteBuffer.class), direct));
        equal((byte) 2, direct.get(2));
        MethodHandle take = typed("take", void.class, byte[].class, int[].class);
        int[] told = {5};
        call(take, read, told);
        equal(3, told[0]);
        equal(new byte[] {0, 1, 2, 3, 0}, read);
        told[0] = 2;
        call(take, room, told);
        equal(new byte[] {0, 1, 'l'}, room);
        assertThrows(IndexOutOfBoundsException.class, () -> call(take, room, new int[] {4}));
        assertThrows(IndexOutOfBoundsException.class, () -> call(take, room, new int[] {-1}));
        assertThrows(RhodesInterfaceError.class,
                () -> typed("take", void.class, byte[].class, Integer[].class));
    }
}
