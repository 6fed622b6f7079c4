package kinds;

import static org.junit.Assert.assertThrows;

import java.lang.invoke.MethodHandle;
import java.math.BigInteger;
import java.util.Random;
import org.junit.Test;
import rhodes.Library;
import rhodes.RhodesInterfaceError;
import rhodes.RhodesRefusedError;

public class NumberTest extends KindsCase {
    @Test
    public void integers() throws Exception {
        Object[][] limits = {
            {"i8", (byte) -128, (byte) 127}, {"i16", Short.MIN_VALUE, Short.MAX_VALUE},
            {"i32", Integer.MIN_VALUE, Integer.MAX_VALUE},
            {"i64", Long.MIN_VALUE, Long.MAX_VALUE}, {"u8", 0, 255}, {"u16", 0, 65535},
            {"u32", 0L, 4294967295L}, {"u64", 0L, -1L}};
        for (Object[] limit : limits) {
            equal(limit[1], call((String) limit[0], limit[1]));
            equal(limit[2], call((String) limit[0], limit[2]));
        }
        Random random = new Random(6);
        for (int i = 0; i < 1000; i++) {
            long number = random.nextLong();
            equal(number, call("i64", number));
            equal(number, call("u64", number));
            equal((int) number, call("i32", (int) number));
            equal(number & 0xffffffffL, call("u32", number & 0xffffffffL));
        }
    }

    /** What does not fit is refused before anything is sent. */
    @Test
    public void ranges() throws Exception {
        MethodHandle i8 = typed("i8", int.class, int.class), u16 = typed("u16", char.class,
                char.class), u32 = typed("u32", int.class, int.class), u8 = typed("u8", byte.class,
                byte.class), u64 = typed("u64", BigInteger.class, BigInteger.class);
        equal(-128, call(i8, -128));
        assertThrows(ArithmeticException.class, () -> call(i8, -129));
        assertThrows(ArithmeticException.class, () -> call(i8, 128));
        assertThrows(ArithmeticException.class, () -> call("u8", 256));
        assertThrows(ArithmeticException.class, () -> call("u8", -1));
        assertThrows(ArithmeticException.class, () -> call("u32", -1L));
        assertThrows(ArithmeticException.class, () -> call("u32", 1L << 32));
        equal('\uffff', call(u16, '\uffff'));
        equal(-1, call(u32, -1)); // as bits
        equal((byte) 200, call(u8, (byte) 200));
        BigInteger most = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
        equal(most, call(u64, most));
        assertThrows(ArithmeticException.class, () -> call(u64, most.add(BigInteger.ONE)));
        assertThrows(ArithmeticException.class, () -> call(u64, BigInteger.ONE.negate()));
        MethodHandle narrow = typed("u64", int.class, long.class);
        equal(7, call(narrow, 7L));
        assertThrows(ArithmeticException.class, () -> call(narrow, 1L << 31));
        assertThrows(ArithmeticException.class, () -> call(narrow, -1L));
        equal(true, call(typed("u8", boolean.class, boolean.class), true));
        assertThrows(RhodesInterfaceError.class, () -> typed("i32", String.class, int.class));
        assertThrows(RhodesInterfaceError.class, () -> typed("i32", int.class, int.class, int.class));
        assertThrows(RhodesInterfaceError.class, () -> typed("f64", float.class, float.class));
        assertThrows(RhodesInterfaceError.class, () -> LIB.function("nothing"));
        equal(1004, assertThrows(RhodesRefusedError.class, () -> Library.open("nobody")).code());
        assertThrows(NullPointerException.class, () -> Library.open(null));
        assertThrows(NullPointerException.class, () -> call("pot_get", (Object) null));
    }

    @Test
    public void floats() throws Throwable {
        MethodHandle f32 = typed("f32", float.class, float.class);
        MethodHandle f64 = typed("f64", double.class, double.class);
        for (int bits : new int[] {0, 1, 0x7f7fffff, 0x80000000, 0x7f800000, 0x7fc00001, 0xffdeadbe,
            0x7fa00001}) // the last: one that signals
            equal(bits, Float.floatToRawIntBits((float) f32.invokeExact(
                    Float.intBitsToFloat(bits))));
        for (long bits : new long[] {0, 1, 0x7fefffffffffffffL, 0x7ff0000000000000L,
            0x7ff8000000000001L, 0xfffdeadbeefdeadbL, 0x7ff4000000000001L})
            equal(bits, Double.doubleToRawLongBits((double) f64.invokeExact(
                    Double.longBitsToDouble(bits))));
        equal(0.5, call(typed("f32", double.class, double.class), 0.5));
    }
}
