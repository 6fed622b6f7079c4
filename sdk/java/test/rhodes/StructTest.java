package rhodes;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertThrows;

import org.junit.Test;

public class StructTest {
    @Test
    public void valuesAreHadByTheirMembers() {
        Struct struct = new Struct().set("low", 3).set("high", 4L).set("low", 5);
        assertEquals(5, struct.get("low"));
        assertEquals(4L, struct.get("high"));
        assertThrows(IllegalArgumentException.class, () -> struct.get("middle"));
    }

    @Test
    public void equalValuesAreEqual() {
        Struct one = new Struct().set("x", 1).set("y", 2), two = new Struct().set("y", 2);
        assertNotEquals(one, two);
        two.set("x", 1);
        assertEquals(one, two);
        assertEquals(one.hashCode(), two.hashCode());
        assertNotEquals(one, "x");
    }

    @Test
    public void aMemberThatTheStructHasNotIsRefused() {
        Shape shape = Shape.parse("struct point{i16 x@0;i16 y@2}:4");
        new Struct().set("x", 1).onlyHas(shape);
        assertEquals("struct point has no z", assertThrows(IllegalArgumentException.class,
                () -> new Struct().set("x", 1).set("z", 1).onlyHas(shape)).getMessage());
    }
}
