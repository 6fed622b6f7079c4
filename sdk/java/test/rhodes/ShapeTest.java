package rhodes;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class ShapeTest {
    @Test
    public void numbersHaveTheirKindAndSize() {
        assertEquals(Shape.Kind.INT, Shape.parse("i8").kind);
        assertEquals(Shape.Kind.UINT, Shape.parse("out u64").kind);
        assertEquals(8, Shape.parse("out u64").size);
        assertEquals(Shape.Kind.FLOAT, Shape.parse("inout f32?").kind);
        assertEquals(4, Shape.parse("inout f32?").size);
    }

    @Test
    public void anArrayOfArraysHasTheInnermostFirst() {
        Shape outer = Shape.parse("i16[3][4]");
        assertEquals(24, outer.size);
        assertEquals(4, outer.count);
        assertEquals(3, outer.element.count);
        assertEquals(Shape.Kind.INT, outer.element.element.kind);
    }

    @Test
    public void structsHaveTheirMembersPlaces() {
        Shape shape = Shape.parse("struct s{i32 low@0.0:5;i32 high@0.5:11;"
                + "struct p{i16 x@0;i16 y@2}:4[2] at@4;union {f32 f@0;u8[4] b@0}:4 either@12}:16");
        assertTrue(shape.isRecord());
        assertEquals("s", shape.name);
        assertEquals(16, shape.size);
        assertEquals(4, shape.fields.size());
        Shape.Field high = shape.fields.get(1), at = shape.fields.get(2);
        assertEquals(5, high.bit());
        assertEquals(11, high.width());
        assertEquals(0, at.width());
        assertEquals(4, at.offset());
        assertEquals("p", at.shape().element.name);
        assertEquals(2, at.shape().element.fields.get(1).offset());
        assertEquals(Shape.Kind.UNION, shape.fields.get(3).shape().kind);
    }

    @Test
    public void whatIsNoPlainTypeIsRefused() {
        for (String text : new String[] {"", "string", "i", "i32 ", "i32[", "i32[3", "struct s",
            "struct s{i32 a}:4", "struct s{i32 a@0}", "struct s{i32 a@0.1}:4"})
            assertThrows(text, RhodesInterfaceError.class, () -> Shape.parse(text));
    }
}
