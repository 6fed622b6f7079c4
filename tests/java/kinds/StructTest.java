package kinds;

import static org.junit.Assert.assertThrows;

import java.math.BigInteger;
import org.junit.Test;
import rhodes.RhodesInterfaceError;
import rhodes.Struct;

public class StructTest extends KindsCase {
    record Point(short x, short y) { }

    record Plain(byte[] tag, int low, int high, double weight, Point[] at, byte[] either,
                 BigInteger big) { }

    static final class Mutable {
        byte[] tag = {7, 8, 9};
        int low, high;
        double weight;
        Point[] at = {};
        byte[] either = {};
        long big;
    }

    record Made(int result, Plain plain) { }

    private static void check(Plain plain, int low) {
        equal(new byte[] {3, 2, 1}, plain.tag());
        equal(low, plain.low());
        equal(1.5, plain.weight());
        equal(new Point((short) 2, (short) 2), plain.at()[0]);
        equal(new Point((short) 3, (short) 5), plain.at()[1]);
    }

    @Test
    public void structs() throws Exception {
        Plain plain = new Plain(new byte[] {1, 2, 3}, -16, 2046, 0.5, new Point[] {
            new Point((short) 1, (short) 2), new Point((short) 3, (short) 4)},
            new byte[] {1, 0, 0, 0}, BigInteger.ONE.shiftLeft(63));
        Plain back = (Plain) call(typed("plain", Plain.class, Plain.class), plain);
        check(back, -15);
        equal(2047, back.high());
        equal(new byte[] {2, 0, 0, 0}, back.either());
        equal(BigInteger.ONE.shiftLeft(63).add(BigInteger.ONE), back.big());
        Made turned = (Made) call(typed("turn", Made.class, Plain.class), plain);
        equal(-15, turned.result());
        check(turned.plain(), -15);
        Made made = (Made) call(typed("make", Made.class, int.class), 5);
        equal(5, made.plain().low());
        equal(-16, call(typed("check", int.class, Plain.class), plain));
        equal(-100, call("check", (Object) null));
        assertThrows(ArithmeticException.class, () -> call(typed("check", int.class, Plain.class),
                new Plain(new byte[3], 16, 0, 0, new Point[0], new byte[0], BigInteger.ZERO)));
        assertThrows(IllegalArgumentException.class, () -> call(typed("check", int.class, Plain.class),
                new Plain(new byte[4], 0, 0, 0, new Point[0], new byte[0], BigInteger.ZERO)));
        assertThrows(RhodesInterfaceError.class, () -> typed("check", int.class, Point.class));
    }

    @Test
    public void objects() throws Exception {
        Mutable mutable = new Mutable();
        byte[] tag = mutable.tag;
        equal(5, call(typed("make", int.class, int.class, Mutable.class), 5, mutable));
        equal(true, tag == mutable.tag); // filled, not replaced
        equal(new byte[] {1, 2, 3}, mutable.tag);
        equal(-1L, mutable.big);
        equal(2047, mutable.high);
        mutable.high = 3;
        equal(6, call(typed("turn", int.class, Mutable.class), mutable));
        equal(6, mutable.low);
        equal(4, mutable.high);
        equal(6, call(typed("check", int.class, Mutable.class), mutable));
        call(typed("turn", void.class, Mutable.class), mutable);
        equal(7, mutable.low);
        Struct struct = new Struct().set("low", 3).set("tag", new byte[] {1}).set("weight", 2.0);
        Struct back = (Struct) call("plain", struct);
        equal(4L, back.get("low"));
        equal(3.0, back.get("weight"));
        equal(new byte[] {0, 0, 1}, back.get("tag"));
        equal(4, ((Object[]) call("turn", struct))[0]);
        assertThrows(IllegalArgumentException.class, () -> call("plain", new Struct().set("hihg", 1)));
    }
}
