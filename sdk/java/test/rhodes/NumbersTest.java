package rhodes;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.Test;

public class NumbersTest {
    private static final double EXACT = 0;

    @Test
    public void eachTypeOfArrayComesBack() {
        short[] shorts = {Short.MIN_VALUE, -1, Short.MAX_VALUE}, shortsBack = new short[3];
        Numbers.fill(shortsBack, Numbers.bytes(shorts, true));
        assertArrayEquals(shorts, shortsBack);
        char[] chars = {'a', '\uffff'}, charsBack = new char[2];
        Numbers.fill(charsBack, Numbers.bytes(chars, true));
        assertArrayEquals(chars, charsBack);
        int[] ints = {Integer.MIN_VALUE, 7}, intsBack = new int[2];
        Numbers.fill(intsBack, Numbers.bytes(ints, true));
        assertArrayEquals(ints, intsBack);
        long[] longs = {Long.MIN_VALUE, 1L << 40}, longsBack = new long[2];
        Numbers.fill(longsBack, Numbers.bytes(longs, true));
        assertArrayEquals(longs, longsBack);
        double[] doubles = {-0.0, 1e300}, doublesBack = new double[2];
        Numbers.fill(doublesBack, Numbers.bytes(doubles, true));
        assertArrayEquals(doubles, doublesBack, EXACT);
    }

    /** A float of 32 bits keeps them, also those of a NaN that signals. */
    @Test
    public void floatsKeepTheirBits() {
        float[] floats = {Float.intBitsToFloat(0x7fa00001), -0.0f}, back = new float[2];
        byte[] bytes = Numbers.bytes(floats, true);
        assertEquals(0x7fa00001, ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt(0));
        Numbers.fill(back, bytes);
        assertEquals(0x7fa00001, Float.floatToRawIntBits(back[0]));
        assertEquals(0x80000000, Float.floatToRawIntBits(back[1]));
    }

    @Test
    public void roomHasTheSizeAndNoValues() {
        assertArrayEquals(new byte[8], Numbers.bytes(new int[] {1, 2}, false));
        assertArrayEquals(new byte[4], Numbers.bytes(new char[] {1, 2}, false));
    }

    /** What the callee left alone stays as it was. */
    @Test
    public void fewerBytesFillTheFirst() {
        int[] numbers = {1, 2, 3};
        Numbers.fill(numbers, Numbers.bytes(new int[] {9}, true));
        assertArrayEquals(new int[] {9, 2, 3}, numbers);
    }
}
