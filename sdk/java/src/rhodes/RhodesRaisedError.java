package rhodes;

/** The callee's function raised an exception of its own language. */
public class RhodesRaisedError extends RhodesError {
    private static final long serialVersionUID = 1;
    private final String language, type, stack;

    RhodesRaisedError(int code, boolean ran, String language, String type, String message,
                      String stack) {
        super(code, ran, message);
        if (!stack.isBlank())
            initCause(new Remote(language, stack));
        this.language = language;
        this.type = type;
        this.stack = stack;
    }

    /** Shows the callee's stack where causes are shown: by printStackTrace, loggers, test tools. */
    private static final class Remote extends Throwable {
        private static final long serialVersionUID = 1;
        private final String text;

        Remote(String language, String stack) {
            super(null, null, false, false);
            text = "raised in " + language + ":" + System.lineSeparator() + stack.stripTrailing();
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** The language that the callee is written in: "java", "python", ... */
    public String language() {
        return language;
    }

    /** The exception's type in that language. */
    public String type() {
        return type;
    }

    /** Its stack as that language prints it; may be cut. */
    public String stack() {
        return stack;
    }

    @Override
    public String toString() {
        return getClass().getName() + ": " + language + " " + type + ": " + getMessage();
    }
}
