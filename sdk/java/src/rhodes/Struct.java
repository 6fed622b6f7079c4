package rhodes;

import java.util.LinkedHashMap;
import java.util.Map;

/** A struct of C for programs that have no class for it: values by the names of its members.
 *  What is not set is zero when it is sent. */
public final class Struct {
    private final Map<String, Object> values = new LinkedHashMap<>();

    /** The value of that member: the box of a number, an array, byte[] of a union, a Struct. */
    public Object get(String member) {
        Object value = values.get(member);
        if (value == null)
            throw new IllegalArgumentException("no member is called " + member);
        return value;
    }

    public Struct set(String member, Object value) {
        values.put(member, value);
        return this;
    }

    Object value(String member) {
        return values.get(member);
    }

    void onlyHas(Shape shape) {
        for (String name : values.keySet()) {
            if (shape.fields.stream().noneMatch(field -> field.name().equals(name)))
                throw new IllegalArgumentException("struct " + shape.name + " has no " + name);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Struct struct && values.equals(struct.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
