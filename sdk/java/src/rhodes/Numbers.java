package rhodes;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Arrays of numbers as C has them. */
final class Numbers {
    private Numbers() {
    }

    private static ByteBuffer over(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }

    /** Bytes of the array; without its values where they do not matter. */
    static byte[] bytes(Object numbers, boolean withValues) {
        int size = numbers instanceof long[] || numbers instanceof double[] ? 8
                : numbers instanceof int[] || numbers instanceof float[] ? 4 : 2;
        byte[] bytes = new byte[java.lang.reflect.Array.getLength(numbers) * size];
        ByteBuffer buffer = over(bytes);
        if (!withValues)
            return bytes;
        if (numbers instanceof short[] array)
            buffer.asShortBuffer().put(array);
        else if (numbers instanceof char[] array)
            buffer.asCharBuffer().put(array);
        else if (numbers instanceof int[] array)
            buffer.asIntBuffer().put(array);
        else if (numbers instanceof long[] array)
            buffer.asLongBuffer().put(array);
        else if (numbers instanceof float[] array)
            buffer.asFloatBuffer().put(array);
        else
            buffer.asDoubleBuffer().put((double[]) numbers);
        return bytes;
    }

    /** Puts as many as there are bytes into the array. */
    static void fill(Object numbers, byte[] bytes) {
        ByteBuffer buffer = over(bytes);
        if (numbers instanceof short[] array)
            buffer.asShortBuffer().get(array, 0, bytes.length / 2);
        else if (numbers instanceof char[] array)
            buffer.asCharBuffer().get(array, 0, bytes.length / 2);
        else if (numbers instanceof int[] array)
            buffer.asIntBuffer().get(array, 0, bytes.length / 4);
        else if (numbers instanceof long[] array)
            buffer.asLongBuffer().get(array, 0, bytes.length / 8);
        else if (numbers instanceof float[] array)
            buffer.asFloatBuffer().get(array, 0, bytes.length / 4);
        else
            buffer.asDoubleBuffer().get((double[]) numbers, 0, bytes.length / 8);
    }
}
