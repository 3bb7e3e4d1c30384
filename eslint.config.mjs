import js from "@eslint/js";
import globals from "globals";

// The scripts share one scope: each file may use what those before it declare, which tsc checks.
export default [
  js.configs.recommended,
  {
    files: ["pytest_confmat/report/page/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "script", globals: globals.browser },
    rules: {
      "no-undef": "off",
      "no-unused-vars": ["error", { vars: "local" }],
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",
      curly: ["error", "multi-line"],
    },
  },
];
