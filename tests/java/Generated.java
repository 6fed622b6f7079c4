/** Uses the class that rhodes.Generate wrote for libkinds. */
public final class Generated {
    private Generated() {
    }

    public static void main(String[] words) {
        Kinds.Plain plain = Kinds.make(5).plain();
        Kinds.DivideResult divided = Kinds.divide(17, 5);
        try (rhodes.Handle pot = Kinds.pot(8)) {
            System.out.println(Kinds.turn(plain).plain().low() + " " + plain.at()[1].y() + " "
                    + Kinds.check(null) + " " + divided.quotient() + " " + divided.rest() + " "
                    + Kinds.newText("ab") + " " + Kinds.potGet(pot) + " "
                    + Kinds.raise(new byte[] {1}).bytes()[0]);
        }
    }
}
